import Calendar
public import Model
import Text

/// The crashes of one signature across sessions and builds.
public struct SignatureSummary: Sendable, Equatable {
    /// The number of crashes on one day.
    public struct Day: Sendable, Equatable {
        /// Days since 1970-01-01 in UTC.
        public var day: Int
        /// Number of crashes.
        public var count: Int

        /// Creates a day.
        public init(day: Int, count: Int) {
            self.day = day
            self.count = count
        }
    }

    /// The signature that groups the crashes.
    public var signature: String
    /// Number of crashes.
    public var count: Int
    /// Number of affected sessions.
    public var sessions: Int
    /// Time of the first crash (ms since 1970).
    public var firstSeen: Int64
    /// Time of the last crash (ms since 1970).
    public var lastSeen: Int64
    /// The images they happened in, sorted.
    public var images: [String]
    /// The tags they happened in, sorted.
    public var tags: [String]
    /// The locations they happened in, sorted.
    public var locations: [String]
    /// The days with at least one crash, in order.
    public var perDay: [Day]
}

extension Catalog {
    /// The selected crashes grouped by signature: most crashes first, then the most recent. The limit applies to
    /// signatures.
    public func topSignatures(_ selection: Selection = Selection()) throws(CatalogError) -> [SignatureSummary] {
        try signatures(selection, narrowed: nil)
    }

    /// The summary of exactly this signature; nil when no crash has it. Reads only its crashes.
    public func signature(_ text: String) throws(CatalogError) -> SignatureSummary? {
        try signatures(Selection(), narrowed: text).first
    }

    private func signatures(
        _ selection: Selection, narrowed: String?
    ) throws(CatalogError) -> [SignatureSummary] {
        try read { (connection) throws(CatalogError) in
            var filter = try Filter.crashes(selection, on: connection)
            if let narrowed {
                filter.add("c.signature = (SELECT id FROM signatures WHERE text = ?)", [.text(narrowed)])
            }
            // One pass over six integers per crash in index order, so groups are contiguous.
            let rows = try connection.prepare(
                """
                SELECT c.signature, c.session, c.at, c.tag, c.location, c.image
                FROM crashes c\(connection.hint(index: "crashes_signature"))\(filter.sql) ORDER BY c.signature, c.session
                """
            ).bind(filter.values)
            var groups: [SignatureGroup] = []
            var current: SignatureGroup?
            while try rows.step() {
                let signature = rows.integer(0)
                if current?.signature != signature {
                    if let current { groups.append(current) }
                    current = SignatureGroup(signature: signature)
                }
                current?.add(
                    session: rows.integer(1), at: rows.integer(2), tag: rows.integer(3), location: rows.integer(4),
                    image: rows.integer(5))
            }
            if let current { groups.append(current) }
            groups.sort { ($0.count, $0.last, $1.signature) > ($1.count, $1.last, $0.signature) }
            let names = try TextLookup("names", on: connection)
            let signatures = try TextLookup("signatures", on: connection)
            var summaries: [SignatureSummary] = []
            for var group in groups.prefix(max(0, selection.limit ?? .max)) {
                summaries.append(try group.summary(names: names, signatures: signatures))
            }
            return summaries
        }
    }
}

/// Accumulates the crashes of one signature.
private struct SignatureGroup {
    let signature: Int64
    private(set) var count = 0
    private(set) var last = Int64.min
    private var sessions = 0
    private var first = Int64.max
    private var session: Int64?
    private var images = NumberSet()
    private var tags = NumberSet()
    private var locations = NumberSet()
    private var days: [Int64: Int] = [:]
    private var run: (day: Int64, count: Int) = (0, 0)

    init(signature: Int64) { self.signature = signature }

    /// Adds a crash. Crashes of one session must be contiguous.
    mutating func add(session: Int64, at: Int64, tag: Int64, location: Int64, image: Int64) {
        count += 1
        if session != self.session {
            self.session = session
            sessions += 1
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

    private mutating func endRun() {
        if run.count > 0 { days[run.day, default: 0] += run.count }
        run.count = 0
    }

    mutating func summary(names: TextLookup, signatures: TextLookup) throws(CatalogError) -> SignatureSummary {
        endRun()
        return SignatureSummary(
            signature: try signatures.text(signature) ?? "unknown", count: count, sessions: sessions, firstSeen: first,
            lastSeen: last, images: try Self.sorted(images, names).filter { !$0.isEmpty },
            tags: try Self.sorted(tags, names),
            locations: try Self.sorted(locations, names),
            perDay: days.sorted { $0.key < $1.key }.map { SignatureSummary.Day(day: Int($0.key), count: $0.value) })
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
private final class TextLookup {
    private let query: any SQLStatement
    private var known: [Int64: String] = [:]

    init(_ table: String, on connection: any SQLConnection) throws(CatalogError) {
        query = try connection.prepare("SELECT text FROM \(table) WHERE id = ?1")
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
