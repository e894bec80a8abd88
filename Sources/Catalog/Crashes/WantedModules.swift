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
                FROM (SELECT c.wanted, c.image, c.tag, count(*) AS crashes FROM crashes c INDEXED BY crashes_wanted
                    \(filter.sql) GROUP BY c.wanted, c.image, c.tag) k
                JOIN wanted w ON w.id = k.wanted
                LEFT JOIN names i ON i.id = k.image LEFT JOIN names t ON t.id = k.tag
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
    /// Most frames of a record that are read; the analysis keeps fewer of a crashed thread.
    private static let mostFrames = 4096

    /// One line per build id: the id, a tab, the module's name; nil when no symbols are missing. Scans the record
    /// without decoding it.
    static func text(_ json: [UInt8]) -> String? {
        json.withUnsafeBytes { bytes in
            var names: [String: String] = [:]
            var count = 0
            JSONObjectScan.eachRange(of: bytes) { name, value in
                guard name.elementsEqual("frames".utf8) else { return true }
                let frames = UnsafeRawBufferPointer(rebasing: bytes[value])
                JSONObjectScan.eachElement(of: frames) { place in
                    count += 1
                    guard count <= mostFrames, let wanted = module(UnsafeRawBufferPointer(rebasing: frames[place]))
                    else { return }
                    if names[wanted.buildID] == nil { names[wanted.buildID] = wanted.module }
                }
                return false
            }
            guard !names.isEmpty else { return nil }
            return names.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value)" }.joined(separator: "\n")
        }
    }

    static func modules(_ text: String) -> [WantedModules.Module] {
        text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            return WantedModules.Module(buildID: String(parts[0]), module: parts.count > 1 ? String(parts[1]) : "")
        }
    }

    private static func module(_ frame: UnsafeRawBufferPointer) -> WantedModules.Module? {
        var (isNamed, identity, module) = (false, Range<Int>?.none, Range<Int>?.none)
        JSONObjectScan.eachRange(of: frame) { name, value in
            if name.elementsEqual("function".utf8) { isNamed = true }
            if name.elementsEqual("build_id".utf8) { identity = value }
            if name.elementsEqual("module".utf8) { module = value }
            return !isNamed
        }
        guard !isNamed, let identity, let buildID = JSONObjectScan.text(frame, identity).map(plain), !buildID.isEmpty
        else { return nil }
        return WantedModules.Module(
            buildID: buildID, module: module.flatMap { JSONObjectScan.text(frame, $0) }.map(plain) ?? "")
    }

    /// Names come from dumps and may contain the separators used here.
    private static func plain(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x09 || $0 == 0x0A }) else { return text }
        return String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
    }
}
