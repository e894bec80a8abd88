import LogSearch
import Model

/// Passes the lines of a search as values.
struct HitSink: SearchSink {
    let renderer = HitRenderer()
    private let pass: @Sendable (SearchHit) -> Bool
    /// Nil to pass hits as they come.
    private var sorter: HitSorter?
    private(set) var isClosed = false

    /// - Parameters:
    ///   - sorter: collects the hits, to pass them in the order of time at the end.
    ///   - pass: returns false to end the search.
    init(_ sorter: HitSorter?, _ pass: @escaping @Sendable (SearchHit) -> Bool) {
        self.sorter = sorter
        self.pass = pass
    }

    /// Whether hits were left out because there were too many to sort.
    var hasMore: Bool { sorter?.hasMore ?? false }

    mutating func begin(_ member: SearchedMember) {}

    mutating func take(_ block: HitBlock, _ lines: Range<Int>) {
        for index in lines where !isClosed {
            let hit = block.hits[index]
            if sorter == nil { isClosed = !pass(hit) } else { sorter?.add(hit) }
        }
    }

    mutating func gap() {}

    mutating func end(_ member: SearchedMember, _ result: MemberResult) {}

    mutating func finish(_ report: SearchReport) {
        guard !report.isCancelled else { return }
        for hit in sorter?.sorted() ?? [] where !isClosed { isClosed = !pass(hit) }
    }

    mutating func flush() {}
}

/// The hits of one block.
struct HitBlock: Sendable {
    let member: SearchedMember
    var hits: [SearchHit] = []
}

/// Copies lines out of their block.
struct HitRenderer: BlockRenderer {
    /// Most bytes of a hit.
    static var longest: Int { 64 << 10 }

    var needsNumbers: Bool { true }
    var needsMatches: Bool { true }

    func makeBlock(_ member: SearchedMember, isWhole: Bool) -> HitBlock { HitBlock(member: member) }

    func add(_ lines: FoundLines, to block: inout HitBlock) {
        for (index, line) in lines.lines.enumerated() {
            let bytes = lines.bytes(of: line)
            let text = Array(bytes.prefix(Self.longest))
            block.hits.append(
                SearchHit(
                    member: block.member, number: line.number, time: line.time, isMatch: line.isSelected, text: text,
                    size: bytes.count,
                    matches: lines.matches(at: index).filter { $0.lowerBound < text.count }
                        .map { $0.lowerBound..<min($0.upperBound, text.count) }))
        }
    }
}

/// Keeps the first hits in the order of time, in bounded memory.
struct HitSorter {
    private let isReversed: Bool
    private let limit: Int
    private var hits: [(time: Int64, sequence: Int, hit: SearchHit)] = []
    private var bytes = 0
    private var sequence = 0
    /// The number of hits at which those beyond the limit are dropped.
    private var pruneAt: Int
    /// Whether hits were left out.
    private(set) var hasMore = false
    /// Most bytes of all hits.
    private static var most: Int { 64 << 20 }

    init(isReversed: Bool, limit: Int) {
        self.isReversed = isReversed
        self.limit = limit
        pruneAt = 2 * max(limit, 512)
    }

    mutating func add(_ hit: SearchHit) {
        sequence += 1
        // A line without a time of its own stands at the start of its session.
        let time = hit.time ?? hit.member.label.start
        hits.append((isReversed ? ~time : time, sequence, hit))
        bytes += hit.text.count + 256
        guard hits.count >= pruneAt || bytes > Self.most else { return }
        prune()
        pruneAt = max(pruneAt, 2 * hits.count)
    }

    private mutating func prune() {
        hits.sort { ($0.time, $0.sequence) < ($1.time, $1.sequence) }
        var (kept, selected, size) = (0, 0, 0)
        for entry in hits {
            if entry.hit.isMatch { selected += 1 }
            size += entry.hit.text.count + 256
            // Half of the memory, so that the next hits do not prune again at once.
            guard selected <= limit, size <= Self.most / 2 || bytes <= Self.most else { break }
            kept += 1
        }
        guard kept < hits.count else { return }
        hasMore = true
        hits.removeLast(hits.count - kept)
        bytes = hits.reduce(0) { $0 + $1.hit.text.count + 256 }
    }

    /// All hits, in order.
    mutating func sorted() -> [SearchHit] {
        prune()
        return hits.map(\.hit)
    }
}
