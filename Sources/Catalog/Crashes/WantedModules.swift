import JSON
public import Model

/// Modules without symbols in crash stacks of one build, and the number of crashes that need them.
public struct WantedModules: Sendable, Hashable {
    /// A module by its build id, with its file name.
    public struct Module: Sendable, Hashable {
        /// GNU build id, or Breakpad debug id.
        public var buildID: String
        /// The module's file name.
        public var module: String
    }

    /// The modules whose symbols are missing; each build id once.
    public var modules: [Module]
    /// The sessions' image.
    public var image: String
    /// The image's version.
    public var tag: String?
    /// Number of crashes that need the symbols of exactly these modules.
    public var crashes: Int
}

extension Catalog {
    /// The modules whose symbols the selected crashes lack. Uses an index; no record is read.
    public func wantedModules(_ selection: Selection = Selection()) throws(CatalogError) -> [WantedModules] {
        try read { (connection) throws(CatalogError) in
            var filter = try Filter.crashes(selection, on: connection)
            filter.add("c.wanted > 0")
            let rows = try connection.prepare(
                """
                SELECT w.text, coalesce(i.text, ''), t.text, k.crashes
                FROM (SELECT c.wanted, c.image, c.tag, count(*) AS crashes
                    FROM crashes c\(connection.hint(index: "crashes_wanted"))\(filter.sql) GROUP BY c.wanted, c.image, c.tag) k
                JOIN wanted w ON w.id = k.wanted
                LEFT JOIN names i ON i.id = k.image LEFT JOIN names t ON t.id = k.tag
                ORDER BY k.wanted, k.image, k.tag
                """
            ).bind(filter.values)
            var found: [WantedModules] = []
            while try rows.step() {
                found.append(
                    WantedModules(
                        modules: WantedSet.modules(rows.text(0)), image: rows.text(1), tag: rows.textOrNil(2),
                        crashes: Int(rows.integer(3))))
            }
            return found
        }
    }
}

/// Encodes the modules whose symbols a crash lacks as one text, so that all crashes of a bug share one id.
enum WantedSet {
    /// One line per build id: the id, a tab, the module's name; nil when no symbols are missing. Reads only the frames of
    /// the record, and of a damaged record what precedes the damage.
    static func text(_ json: [UInt8]) -> String? {
        let names = json.withUnsafeBytes { bytes in
            var scan = WantedScan(JSONCursor(bytes))
            try? scan.record()
            return scan.names
        }
        guard !names.isEmpty else { return nil }
        return names.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value)" }.joined(separator: "\n")
    }

    static func modules(_ text: String) -> [WantedModules.Module] {
        text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            return WantedModules.Module(buildID: String(parts[0]), module: parts.count > 1 ? String(parts[1]) : "")
        }
    }
}

/// Reads the frames of a crash record that have a build id and no function.
private struct WantedScan {
    /// Most frames of a record that are read; the analysis keeps fewer of a crashed thread.
    private static let mostFrames = 4096

    /// The modules' names by build id.
    private(set) var names: [String: String] = [:]
    private var cursor: JSONCursor
    private let scratch = JSONScratch()

    init(_ cursor: JSONCursor) { self.cursor = cursor }

    mutating func record() throws(JSONFault) {
        guard try cursor.token() == UInt8(ascii: "{"), try cursor.enter(closing: UInt8(ascii: "}"), depth: 0)
        else { return }
        repeat {
            if cursor.matches(try cursor.key(), "frames", in: scratch) { return try frames() }
            try cursor.skipValue(depth: 1)
        } while try cursor.another(closing: UInt8(ascii: "}"))
    }

    private mutating func frames() throws(JSONFault) {
        guard try cursor.token() == UInt8(ascii: "["), try cursor.enter(closing: UInt8(ascii: "]"), depth: 1)
        else { return }
        var count = 0
        repeat {
            count += 1
            try frame()
            guard count < Self.mostFrames else { return }
        } while try cursor.another(closing: UInt8(ascii: "]"))
    }

    private mutating func frame() throws(JSONFault) {
        guard try cursor.token() == UInt8(ascii: "{") else { return try cursor.skipValue(depth: 2) }
        guard try cursor.enter(closing: UInt8(ascii: "}"), depth: 2) else { return }
        var (isNamed, identity, module) = (false, String?.none, String?.none)
        repeat {
            let key = try cursor.key()
            if cursor.matches(key, "build_id", in: scratch) {
                identity = try text()
            } else if cursor.matches(key, "module", in: scratch) {
                module = try text()
            } else {
                if cursor.matches(key, "function", in: scratch) { isNamed = true }
                try cursor.skipValue(depth: 3)
            }
        } while try cursor.another(closing: UInt8(ascii: "}"))
        guard !isNamed, let identity, !identity.isEmpty, names[identity] == nil else { return }
        names[identity] = module ?? ""
    }

    private mutating func text() throws(JSONFault) -> String? {
        guard try cursor.token() == UInt8(ascii: "\"") else {
            try cursor.skipValue(depth: 3)
            return nil
        }
        let span = try cursor.string()
        return (try? cursor.text(span, in: scratch)).map(Self.plain)
    }

    /// Names come from dumps and may contain the separators used here.
    private static func plain(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x09 || $0 == 0x0A }) else { return text }
        return String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
    }
}
