public import Catalog
public import Model
import Pack
public import SalvageConfiguration
import Text

/// A path of a rule that exists in none of the rule's sessions. Most likely it is misspelled, and files are being lost.
public struct AbsentPath: Sendable, Hashable {
    /// The rule's name; nil when the rules are not known.
    public var rule: String?
    /// The path, as written in the rule.
    public var path: String
    /// The number of sessions in which it was requested; it is absent in all of them.
    public var sessions: Int
    /// The number of these in which it was requested since the time given by the caller.
    public var lately: Int
    /// The most similar path that is known to exist.
    public var nearest: String?

    /// Makes a value from its fields.
    public init(rule: String?, path: String, sessions: Int, lately: Int = 0, nearest: String? = nil) {
        self.rule = rule
        self.path = path
        self.sessions = sessions
        self.lately = lately
        self.nearest = nearest
    }

    /// The minimum number of sessions; fewer prove nothing.
    public static let least = 3
    /// How far back to look, in milliseconds: seven days.
    public static let window: Int64 = 7 * 86_400_000
    /// The maximum number of sessions of one rule to examine, newest first.
    public static let mostSessions = 2000

    /// Whether it became certain only lately: before, it had been requested in fewer than ``least`` sessions.
    public var isNews: Bool { sessions - lately < Self.least }

    /// Returns whether both are the same path of the same rule.
    func isSamePath(as other: AbsentPath) -> Bool { rule == other.rule && path.hasSameBytes(as: other.path) }

    /// The problem, as one sentence without a full stop.
    public var message: String {
        let owner = rule.map { " of rule '\($0)'" } ?? ""
        return "\(path)\(owner) is absent in every session where it was requested (\(sessions))"
    }

    /// What to do about it.
    public var hint: String {
        let near = nearest.map { "did you mean \($0)? " } ?? ""
        return near + "paths are case-sensitive; once the rule is corrected, the next harvest fetches what is left"
    }
}

extension AbsentPath {
    /// Searches the ledger for absent paths.
    ///
    /// - Parameters:
    ///   - configuration: the rules; without a configuration file, artifacts are grouped by their paths in the ledger.
    ///   - selection: the sessions to examine: the newest ``mostSessions`` of each rule, by default of the last
    ///     ``window``.
    ///   - since: the start of the time for ``lately``, in milliseconds since 1970.
    ///   - now: the current time, in milliseconds since 1970.
    /// - Throws: `CatalogError` when the catalog cannot be read.
    public static func find(
        in catalog: Catalog, by configuration: Configuration, selection: Selection = Selection(),
        since: Int64? = nil, now: Int64
    ) throws(CatalogError) -> [AbsentPath] {
        // Most stores have no absent artifact; then nothing else is read.
        guard try catalog.hasArtifacts(in: .absent) else { return [] }
        var selection = selection
        selection.since = selection.since ?? now - window
        let rules = configuration.file == nil ? nil : configuration.rules
        let ledgers = try self.ledgers(in: catalog, by: rules, selection)
        var found = tally(ledgers, by: rules, since: since)
        for index in found.indices {
            found[index].path.nearest = try KnownPaths(ledgers, in: catalog).nearest(
                to: found[index].example, image: found[index].image)
        }
        return found.map(\.path)
    }

    /// Returns the newest sessions of each rule. A rule with few sessions may have none among the newest of the fleet.
    private static func ledgers(
        in catalog: Catalog, by rules: [Configuration.Rule]?, _ selection: Selection
    ) throws(CatalogError) -> [SessionLedger] {
        var newest = selection
        newest.limit = mostSessions
        let ledgers = try catalog.ledgers(newest)
        guard let rules, ledgers.count == mostSessions else { return ledgers }
        var found: [SessionLedger] = []
        for (index, rule) in rules.enumerated() where !rule.artifacts.isEmpty {
            var narrow = newest
            if narrow.images.isEmpty, let image = rule.match.image { narrow.images = [image.description] }
            if narrow.tags.isEmpty, let tag = rule.match.tag { narrow.tags = [tag.description] }
            found += try catalog.ledgers(narrow, lookingAt: 10 * mostSessions) { record in
                let known = record.apiIdentity
                return rules.firstIndex { $0.match.accepts(known) } == index
            }
        }
        return found
    }

    /// A path, with its placeholders filled in for one session as an example.
    struct Candidate {
        var path: AbsentPath
        var example: String
        var image: String
    }

    /// Counts for each path of each rule in how many sessions it is absent; returns those absent everywhere. Pure.
    static func tally(_ ledgers: [SessionLedger], by rules: [Configuration.Rule]?, since: Int64?) -> [Candidate] {
        var counts: [[UInt8]: Count] = [:]
        var order: [[UInt8]] = []
        for ledger in ledgers {
            for (rule, path, artifact) in asked(of: ledger, by: rules) {
                guard let row = ledger.artifacts.first(where: { $0.artifact.hasSameBytes(as: artifact) }) else {
                    continue
                }
                let name = Array("\(rule ?? "")\0\(path)".utf8)
                if counts[name] == nil { order.append(name) }
                var count =
                    counts[name]
                    ?? Count(
                        candidate: Candidate(
                            path: AbsentPath(rule: rule, path: path, sessions: 0), example: artifact,
                            image: ledger.record.image))
                switch row.state {
                case .absent:
                    count.candidate.path.sessions += 1
                    if let since, let last = row.lastTry, last >= since { count.candidate.path.lately += 1 }
                case .collected, .incomplete: count.exists = true
                case .pending, .skipped, .failed, .lost: break
                }
                counts[name] = count
            }
        }
        return order.compactMap { counts[$0] }.filter { !$0.exists && $0.candidate.path.sessions >= least }
            .map(\.candidate)
    }

    private struct Count {
        var candidate: Candidate
        var exists = false
    }

    /// Returns what the rules request of a session: the rule's name, the path as written, and the path filled in.
    private static func asked(
        of ledger: SessionLedger, by rules: [Configuration.Rule]?
    ) -> [(rule: String?, path: String, artifact: String)] {
        guard let rules else {
            return ledger.artifacts.filter { $0.artifact != FetchItem.logs }.map { (nil, $0.artifact, $0.artifact) }
        }
        let identity = ledger.record.apiIdentity
        guard let rule = rules.first(where: { $0.match.accepts(identity) }) else { return [] }
        return rule.artifacts.compactMap { artifact in
            guard case .success(let path) = artifact.path.resolve(for: identity) else { return nil }
            return (rule.name, "\(artifact.path)", path)
        }
    }
}

/// The paths known to exist in containers, from what was fetched.
struct KnownPaths {
    private let ledgers: [SessionLedger]
    private let catalog: Catalog

    /// The maximum number of sessions whose members are listed.
    private static let mostListings = 5

    init(_ ledgers: [SessionLedger], in catalog: Catalog) {
        self.ledgers = ledgers
        self.catalog = catalog
    }

    /// Returns the most similar path: one that differs only in case, otherwise a sibling with a similar name.
    func nearest(to path: String, image: String) throws(CatalogError) -> String? {
        let wanted = Self.components(path)
        guard !wanted.isEmpty else { return nil }
        let known = try candidates(wanted, image).filter { $0 != wanted }.sorted { $0.lexicographicallyPrecedes($1) }
        let folded = wanted.map { $0.lowercased() }
        if let same = known.first(where: { $0.map { $0.lowercased() } == folded }) { return Self.joined(same) }
        let siblings = known.filter { $0.dropLast().map { $0.lowercased() } == Array(folded.dropLast()) }
        guard let last = wanted.last, let near = Spelling.nearest(to: last, among: siblings.compactMap(\.last)) else {
            return nil
        }
        return siblings.first { $0.last == near }.map(Self.joined)
    }

    /// Returns paths of the same depth, from collected artifacts and the files in them.
    private func candidates(_ wanted: [String], _ image: String) throws(CatalogError) -> Set<[String]> {
        let ofImage = ledgers.filter { $0.record.image.hasSameBytes(as: image) }
        var known = Set<[String]>()
        var listings = 0
        for ledger in ofImage.isEmpty ? ledgers : ofImage {
            for row in ledger.artifacts where row.state == .collected || row.state == .incomplete {
                guard row.artifact != FetchItem.logs else { continue }
                let parts = Self.components(row.artifact)
                if parts.count >= wanted.count {
                    known.insert(Array(parts.prefix(wanted.count)))
                } else if listings < Self.mostListings, ledger.record.pack != nil, Self.holds(parts, wanted) {
                    listings += 1
                    try list(ledger.record.session, row.artifact, parts, wanted.count, into: &known)
                }
            }
        }
        return known
    }

    private func list(
        _ session: String, _ artifact: String, _ parent: [String], _ depth: Int, into known: inout Set<[String]>
    ) throws(CatalogError) {
        for member in try catalog.members(session) where member.artifact.hasSameBytes(as: artifact) {
            var parts = String(decoding: member.path, as: UTF8.self).split(separator: "/").map(String.init)
            parts.removeAll { $0 == "." }
            // Entries of a folder's archive start with the folder's own name.
            if parts.first == parent.last { parts.removeFirst() }
            guard parent.count + parts.count >= depth else { continue }
            known.insert(Array((parent + parts).prefix(depth)))
        }
    }

    /// Returns whether a folder is an ancestor of a path, ignoring case.
    private static func holds(_ folder: [String], _ path: [String]) -> Bool {
        folder.count < path.count && zip(folder, path).allSatisfy { $0.lowercased() == $1.lowercased() }
    }

    private static func components(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

    private static func joined(_ parts: [String]) -> String { "/" + parts.joined(separator: "/") }
}
