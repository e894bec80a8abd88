internal import BlockIndex
internal import LogTime
import Model
import Text

/// A part of one member that is scanned at once: one piece, or several joined by a long line.
struct BlockRange: Sendable {
    /// Index of the member in the whole search.
    let memberOrdinal: Int
    let member: Int
    /// Indices of the member's pieces; empty when no block may match but the member must be reported.
    let pieces: Range<Int>
}

/// Units that share a block, so that it is decoded once.
struct ScanBatch<Source: SearchSource>: Sendable {
    let sequence: Int
    let source: Source
    let units: [BlockRange]
}

/// Produces the units that may have a selected line, in order. Used under the hub's lock.
struct WorkQueue<Source: SearchSource> {
    private let options: SearchOptions
    private let query: BlockQuery?
    private let globs: [Glob]
    private var nextSource: () -> Source?
    private var source: Source?
    private var member = 0
    private var piece = 0
    private var yielded = false
    private var memberOrdinal = -1
    private var sequence = 0
    private var held: BlockRange?
    private(set) var report = SearchReport()
    /// Members up to this ordinal need no more units.
    var closedThrough = -1
    private let wantsEveryMember: Bool
    /// Most bytes of one line that are joined; a longer line is searched in parts, which bounds memory.
    static var longestLine: Int { 32 << 20 }

    init(options: SearchOptions, query: LiteralQuery, nextSource: @escaping () -> Source?) {
        self.options = options
        // A line that does not match can be in any block.
        let prepared = BlockQuery(query)
        self.query = options.invert || prepared.probes.isAll || !options.usesFilters ? nil : prepared
        globs = options.paths.map { Glob($0, separator: "/") }
        wantsEveryMember = options.members != .matching
        self.nextSource = nextSource
    }

    /// The next batch; nil at the end.
    mutating func next() -> ScanBatch<Source>? {
        guard let first = held ?? nextUnit() else { return nil }
        held = nil
        guard let source else { return nil }
        var units = [first]
        if let block = soleBlock(first, in: source) {
            let ordinal = report.sources
            while units.count < 256, let unit = nextUnit() {
                guard report.sources == ordinal, soleBlock(unit, in: source) == block else {
                    held = unit
                    break
                }
                units.append(unit)
            }
        }
        defer { sequence += 1 }
        return ScanBatch(sequence: sequence, source: source, units: units)
    }

    private func soleBlock(_ unit: BlockRange, in source: Source) -> Int? {
        guard unit.pieces.count == 1 else { return nil }
        return source.members[unit.member].pieces[unit.pieces.lowerBound].block
    }

    private mutating func nextUnit() -> BlockRange? {
        while true {
            if source == nil || member >= source?.members.count ?? 0 {
                // The batch in progress still needs its source.
                guard let fresh = nextSource() else { return nil }
                source = fresh
                report.sources += 1
                member = -1
                advanceMember()
                continue
            }
            guard let source else { return nil }
            if let unit = nextUnit(of: source.members[member]) { return unit }
            advanceMember()
        }
    }

    private mutating func advanceMember() {
        member += 1
        piece = 0
        yielded = false
        guard let source else { return }
        while member < source.members.count, !isWanted(source.members[member]) {
            if options.strictTime, isSearched(source.members[member]) { report.membersLeftOut += 1 }
            member += 1
        }
        guard member < source.members.count else { return }
        memberOrdinal += 1
        report.members += 1
        report.blocks += source.members[member].pieces.count
        if options.hasWindow, source.members[member].timeFormat == .none { report.membersWithoutTime += 1 }
    }

    private func isWanted(_ member: SearchMember) -> Bool {
        if options.hasWindow, options.strictTime, member.timeFormat == .none { return false }
        return isSearched(member)
    }

    /// Whether it would be searched without a time window.
    private func isSearched(_ member: SearchMember) -> Bool {
        guard member.isText || options.asText || options.searchBinary else { return false }
        return globs.isEmpty || globs.contains { $0.matches(member.path) }
    }

    private mutating func nextUnit(of member: SearchMember) -> BlockRange? {
        while piece < member.pieces.count, closedThrough < memberOrdinal {
            let first = piece
            var joined = member.pieces[piece].count
            while piece < member.pieces.count - 1, member.pieces[piece].endsMidLine, joined < Self.longestLine {
                piece += 1
                joined += member.pieces[piece].count
            }
            if joined >= Self.longestLine, member.isText, member.pieces[piece].endsMidLine {
                report.note("\(label(member)): a line longer than 32 MiB is searched in parts")
            }
            piece += 1
            let range = first..<piece
            guard passesTime(member, range), passesFilter(member, range) else { continue }
            yielded = true
            return BlockRange(memberOrdinal: memberOrdinal, member: self.member, pieces: range)
        }
        guard !yielded, wantsEveryMember else { return nil }
        yielded = true
        return BlockRange(memberOrdinal: memberOrdinal, member: self.member, pieces: 0..<0)
    }

    private func label(_ member: SearchMember) -> String {
        "\(source?.label.session ?? ""):\(String(decoding: member.path, as: UTF8.self))"
    }

    private mutating func passesTime(_ member: SearchMember, _ range: Range<Int>) -> Bool {
        guard options.hasWindow, member.timeFormat != .none, let label = source?.label,
            let window = options.window(for: label, member)
        else { return true }
        // A piece without times cannot be excluded.
        let outside = range.allSatisfy { member.pieces[$0].times.map { !$0.overlaps(window) } ?? false }
        if outside { report.prunedByTime += range.count }
        return !outside
    }

    private mutating func passesFilter(_ member: SearchMember, _ range: Range<Int>) -> Bool {
        // The literals of a joined line may be spread over its pieces.
        guard let query, range.count == 1, let source else { return true }
        report.probed += 1
        guard source.mayContain(query, block: member.pieces[range.lowerBound].block) else { return false }
        report.passed += 1
        return true
    }
}
