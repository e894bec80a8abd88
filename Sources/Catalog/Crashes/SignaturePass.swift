import Calendar
import Model
import Text

/// Reads the index over crashes and groups the crashes by signature.
struct SignaturePass {
    /// The greatest number of signatures whose crashes are read alone instead of all.
    static let few = 64

    private let connection: any SQLConnection
    /// The id of the signature as which another's crashes count, by the other's.
    private var targets: [Int64: Int64] = [:]
    /// Texts of targets that no crash has; their numbers are below 0.
    private var added: [Int64: String] = [:]
    private let names: TextLookup
    private let signatures: TextLookup

    /// - Parameter merged: signatures whose crashes count as another's: the other's text by theirs.
    init(_ connection: any SQLConnection, _ merged: ByteDictionary<String>) throws(CatalogError) {
        self.connection = connection
        names = try TextLookup("names", on: connection)
        signatures = try TextLookup("signatures", on: connection)
        guard !merged.isEmpty else { return }
        var texts = RepeatedTexts()
        for (text, into) in merged {
            texts.add(text, to: .signatures)
            texts.add(into, to: .signatures)
        }
        let known = try InternedTexts(texts, on: connection)
        func id(_ text: String) -> Int64? { known.ids[.signatures]?[text] }
        var others: ByteDictionary<Int64> = [:]
        for (text, into) in merged.sortedByKey {
            guard let from = id(text) else { continue }
            var target = id(into) ?? others[into]
            if target == nil {
                target = -1 - Int64(others.count)
                others[into] = target
            }
            guard let target else { continue }
            targets[from] = target
            if target < 0 { added[target] = into }
        }
    }

    /// The ids of these groups and of the signatures that count as theirs.
    func members(of groups: [Int64]) -> Set<Int64> {
        let wanted = Set(groups)
        return wanted.union(targets.filter { wanted.contains($0.value) }.keys)
    }

    /// The conditions of a selection, with only these signatures; all of them if `only` is nil.
    func filter(_ selection: Selection, only: Set<Int64>?) throws(CatalogError) -> Filter {
        var filter = try Filter.crashes(selection, on: connection)
        if let only { filter.add("c.signature IN (\(SignatureIDs.list(only)))") }
        return filter
    }

    /// The groups of the crashes that match, most crashes first, then the most recent.
    func groups(_ filter: Filter) throws(CatalogError) -> [SignatureGroup] {
        // One pass over six integers per crash in index order, so groups are contiguous.
        let rows = try connection.prepare(
            """
            SELECT c.signature, c.session, c.at, c.tag, c.location, c.image
            FROM crashes c\(connection.hint(index: "crashes_signature"))\(filter.sql) ORDER BY c.signature, c.session
            """
        ).bind(filter.values)
        let joined = Set(targets.keys).union(targets.values)
        var groups: [SignatureGroup] = []
        var current: SignatureGroup?
        while try rows.step() {
            let signature = rows.integer(0)
            if current?.signature != signature {
                if let current { groups.append(current) }
                current = SignatureGroup(signature: signature, isMerged: joined.contains(signature))
            }
            current?.add(
                session: rows.integer(1), at: rows.integer(2), tag: rows.integer(3), location: rows.integer(4),
                image: rows.integer(5))
        }
        if let current { groups.append(current) }
        if !targets.isEmpty { groups = merged(groups) }
        groups.sort { ($0.count, $0.last, $1.signature) > ($1.count, $1.last, $0.signature) }
        return groups
    }

    private func merged(_ groups: [SignatureGroup]) -> [SignatureGroup] {
        var found: [SignatureGroup] = []
        var places: [Int64: Int] = [:]
        for group in groups {
            let target = targets[group.signature] ?? group.signature
            if let place = places[target] {
                found[place].absorb(group)
            } else {
                places[target] = found.count
                found.append(target == group.signature ? group : group.renamed(target))
            }
        }
        return found
    }

    /// The summaries of groups, in their order.
    func summaries(_ groups: [SignatureGroup]) throws(CatalogError) -> [SignatureSummary] {
        var found: [SignatureSummary] = []
        try signatures.expect(groups.map(\.signature))
        try names.expect(groups.flatMap(\.names))
        for var group in groups { found.append(try group.summary(try text(group.signature), names: names)) }
        return found
    }

    /// The text of a signature or of a target.
    func text(_ signature: Int64) throws(CatalogError) -> String {
        if let text = added[signature] { return text }
        return try signatures.text(signature) ?? "unknown"
    }

    /// The removed crashes of these signatures, or of all, by the signature as which they count.
    func past(only: Set<Int64>?, errors: Bool) throws(CatalogError) -> [Int64: [PastCrashes.Row]] {
        var filter = Filter()
        filter.add("x.survived = \(errors ? 1 : 0)")
        if let only { filter.add("x.signature IN (\(SignatureIDs.list(only)))") }
        let rows = try PastCrashes.rows(filter, on: connection)
        return Dictionary(grouping: rows) { targets[$0.signature] ?? $0.signature }
    }

    /// The summary with the times and tags of removed crashes.
    func adding(_ past: [PastCrashes.Row], to summary: SignatureSummary) throws(CatalogError) -> SignatureSummary {
        guard let first = past.map(\.first).min(), let last = past.map(\.last).max() else { return summary }
        var summary = summary
        summary.firstSeen = summary.count > 0 ? min(summary.firstSeen, first) : first
        summary.lastSeen = summary.count > 0 ? max(summary.lastSeen, last) : last
        var tags = ByteSet(summary.tags)
        for row in past where row.tag != 0 { if let tag = try names.text(row.tag) { tags.insert(tag) } }
        summary.tags = tags.sorted { $0.precedesInBytes($1) }
        return summary
    }
}

/// Accumulates the crashes of one signature.
struct SignatureGroup {
    let signature: Int64
    private(set) var count = 0
    private(set) var last = Int64.min
    private var sessions = 0
    /// The sessions, if the crashes of several signatures are counted together.
    private var members: Set<Int64>?
    private var first = Int64.max
    private var session: Int64?
    private var images = NumberSet()
    private var tags = NumberSet()
    private var locations = NumberSet()
    private var days: [Int64: Int] = [:]
    private var run: (day: Int64, count: Int) = (0, 0)

    init(signature: Int64, isMerged: Bool) {
        self.signature = signature
        if isMerged { members = [] }
    }

    /// Adds a crash. Crashes of one session must be contiguous.
    mutating func add(session: Int64, at: Int64, tag: Int64, location: Int64, image: Int64) {
        count += 1
        if session != self.session {
            self.session = session
            sessions += 1
            members?.insert(session)
        }
        first = min(first, at)
        last = max(last, at)
        let day = Int64(CivilDate.days(ofMilliseconds: at))
        if day != run.day {
            endRun()
            run.day = day
        }
        run.count += 1
        images.insert(image)
        tags.insert(tag)
        locations.insert(location)
    }

    /// The same crashes as those of another signature.
    func renamed(_ signature: Int64) -> SignatureGroup {
        var group = SignatureGroup(signature: signature, isMerged: true)
        group.absorb(self)
        return group
    }

    /// Adds the crashes of another signature.
    mutating func absorb(_ other: SignatureGroup) {
        var other = other
        other.endRun()
        endRun()
        count += other.count
        members = (members ?? []).union(other.members ?? [])
        sessions = members?.count ?? 0
        first = min(first, other.first)
        last = max(last, other.last)
        days.merge(other.days) { $0 + $1 }
        for image in other.images.members { images.insert(image) }
        for tag in other.tags.members { tags.insert(tag) }
        for location in other.locations.members { locations.insert(location) }
    }

    /// The ids of its images, tags and locations.
    var names: [Int64] { images.members + tags.members + locations.members }

    private mutating func endRun() {
        if run.count > 0 { days[run.day, default: 0] += run.count }
        run.count = 0
    }

    mutating func summary(_ text: String, names: TextLookup) throws(CatalogError) -> SignatureSummary {
        endRun()
        var summary = SignatureSummary(signature: text)
        (summary.count, summary.sessions, summary.firstSeen, summary.lastSeen) = (count, sessions, first, last)
        summary.images = try Self.sorted(images, names).filter { !$0.isEmpty }
        summary.tags = try Self.sorted(tags, names)
        summary.locations = try Self.sorted(locations, names)
        summary.perDay = days.sorted { $0.key < $1.key }.map { SignatureSummary.Day(day: Int($0.key), count: $0.value) }
        return summary
    }

    private static func sorted(_ ids: NumberSet, _ names: TextLookup) throws(CatalogError) -> [String] {
        var texts: [String] = []
        for id in ids.members where id != 0 { if let text = try names.text(id) { texts.append(text) } }
        return texts.sorted { $0.precedesInBytes($1) }
    }
}

/// A set of mostly small numbers as a bitmap, which avoids three hash operations for each of 100,000 crashes.
private struct NumberSet {
    private static let most: Int64 = 1 << 16
    private var words: [UInt64] = []
    private var rest: Set<Int64> = []

    mutating func insert(_ number: Int64) {
        guard number >= 0, number < Self.most else {
            rest.insert(number)
            return
        }
        let word = Int(number >> 6)
        while word >= words.count { words.append(0) }
        words[word] |= 1 << UInt64(number & 63)
    }

    var members: [Int64] {
        var found = Array(rest)
        for (index, word) in words.enumerated() {
            for bit in 0..<64 where word & (1 << UInt64(bit)) != 0 { found.append(Int64(index * 64 + bit)) }
        }
        return found
    }
}

/// Looks up interned texts by id, each read once.
final class TextLookup {
    private let connection: any SQLConnection
    private let table: String
    private let query: any SQLStatement
    private var known: [Int64: String] = [:]

    init(_ table: String, on connection: any SQLConnection) throws(CatalogError) {
        self.connection = connection
        self.table = table
        query = try connection.prepare("SELECT text FROM \(table) WHERE id = ?1")
    }

    /// Reads texts all at once where one after the other would be a round trip each.
    func expect(_ ids: [Int64]) throws(CatalogError) {
        guard connection.isRemote else { return }
        let missing = Set(ids.filter { $0 != 0 && known[$0] == nil }).sorted()
        for page in Pages(missing, size: PortableSQL.pageSize) {
            let rows = try connection.prepare(
                "SELECT id, text FROM \(table) WHERE id IN (\(PortableSQL.placeholders(page.count)))")
            rows.bind(page.map { .integer($0) })
            while try rows.step() { known[rows.integer(0)] = rows.text(1) }
        }
    }

    func text(_ id: Int64) throws(CatalogError) -> String? {
        if let text = known[id] { return text }
        query.bind(1, id)
        guard try query.step() else { return nil }
        defer { query.reset() }
        known[id] = query.text(0)
        return known[id]
    }
}
