internal import BlockIndex
internal import LogTime
import Model
import Text

/// A part of one member that is scanned at once: one piece, or several joined by a long line or for a match that spans
/// lines.
struct BlockRange: Sendable {
    /// Index of the member in the whole search.
    let memberOrdinal: Int
    let member: Int
    /// Indices of the member's pieces; empty when no block may match but the member must be reported.
    let pieces: Range<Int>
    /// Indices of the pieces that are read: `pieces`, and those after them in which a match may end.
    let read: Range<Int>
}

/// Units that share a block, so that it is decoded once.
struct ScanBatch<Source: SearchSource>: Sendable {
    let sequence: Int
    let source: Source
    /// The source's members, to which the units refer.
    let members: [SearchMember]
    let units: [BlockRange]
}

/// Produces the units that may have a selected line, in order. Used under the hub's lock.
struct WorkQueue<Source: SearchSource> {
    private let options: SearchOptions
    private let query: BlockQuery?
    private let filter: MemberFilter
    private var nextSource: () -> Source?
    private var source: Source?
    private var members: [SearchMember] = []
    private var member = 0
    private var piece = 0
    private var yielded = false
    private var memberOrdinal = -1
    private var sequence = 0
    private var held: BlockRange?
    private(set) var report = SearchReport()
    /// Members up to this ordinal need no more units.
    private var closedThrough = -1
    /// Sessions that need no more units.
    private var closedSessions = ByteSet()
    private let wantsEveryMember: Bool

    init(options: SearchOptions, query: LiteralQuery, nextSource: @escaping () -> Source?) {
        self.options = options
        // A line that does not match can be in any block.
        let prepared = BlockQuery(query)
        self.query = options.invert || prepared.probes.isAll || !options.usesFilters ? nil : prepared
        filter = MemberFilter(options)
        wantsEveryMember = options.members != .matching
        self.nextSource = nextSource
    }

    /// Leaves out members up to an ordinal, and all members of these sessions.
    mutating func close(through ordinal: Int, _ sessions: [String]) {
        closedThrough = max(closedThrough, ordinal)
        closedSessions.formUnion(sessions)
    }

    /// The next batch; nil at the end.
    mutating func next() -> ScanBatch<Source>? {
        guard let first = held ?? nextUnit() else { return nil }
        held = nil
        guard let source else { return nil }
        // Looking for another unit may begin the next source.
        let members = members
        var units = [first]
        if let block = soleBlock(first) {
            let ordinal = report.sources
            while units.count < 256, let unit = nextUnit() {
                guard report.sources == ordinal, soleBlock(unit) == block else {
                    held = unit
                    break
                }
                units.append(unit)
            }
        }
        defer { sequence += 1 }
        return ScanBatch(sequence: sequence, source: source, members: members, units: units)
    }

    private func soleBlock(_ unit: BlockRange) -> Int? {
        guard unit.read.count == 1, members.indices.contains(unit.member) else { return nil }
        return members[unit.member].pieces[unit.read.lowerBound].block
    }

    private mutating func nextUnit() -> BlockRange? {
        while true {
            if source == nil || member >= members.count {
                // The batch in progress still needs its source.
                guard let fresh = nextSource() else { return nil }
                if isClosed(fresh) { continue }
                source = fresh
                members = filter.mergingCopies(fresh.members)
                report.copies += fresh.members.count - members.count
                report.sources += 1
                member = -1
                advanceMember()
                continue
            }
            if let unit = nextUnit(of: members[member]) { return unit }
            advanceMember()
        }
    }

    private func isClosed(_ source: Source) -> Bool {
        !closedSessions.isEmpty && !wantsEveryMember && closedSessions.contains(source.label.session)
    }

    private mutating func advanceMember() {
        member += 1
        piece = 0
        yielded = false
        while member < members.count, !filter.isWanted(members[member]) {
            if options.strictTime, filter.isSearched(members[member]) { report.membersLeftOut += 1 }
            member += 1
        }
        guard member < members.count else { return }
        memberOrdinal += 1
        report.members += 1
        report.blocks += members[member].pieces.count
        if options.hasWindow || options.findsTimes, members[member].timeFormat == .none {
            report.membersWithoutTime += 1
        }
    }

    private mutating func nextUnit(of member: SearchMember) -> BlockRange? {
        while piece < member.pieces.count, closedThrough < memberOrdinal, !isClosedSession {
            let (range, read) = options.spansLines ? nextWindow(of: member) : nextLines(of: member)
            guard passesTime(member, range), passesFilter(member, read) else { continue }
            yielded = true
            return BlockRange(memberOrdinal: memberOrdinal, member: self.member, pieces: range, read: read)
        }
        guard !yielded, wantsEveryMember else { return nil }
        yielded = true
        return BlockRange(memberOrdinal: memberOrdinal, member: self.member, pieces: 0..<0, read: 0..<0)
    }

    private var isClosedSession: Bool {
        guard !closedSessions.isEmpty, let source else { return false }
        return closedSessions.contains(source.label.session)
    }

    /// The next piece, with those in which its last line continues.
    private mutating func nextLines(of member: SearchMember) -> (pieces: Range<Int>, read: Range<Int>) {
        let first = piece
        var joined = member.pieces[piece].count
        while piece < member.pieces.count - 1, member.pieces[piece].endsMidLine, joined < MatchWindow.longestLine {
            piece += 1
            joined += member.pieces[piece].count
        }
        if joined >= MatchWindow.longestLine, member.isText, member.pieces[piece].endsMidLine {
            report.note("\(label(member)): a line longer than 32 MiB is searched in parts")
        }
        piece += 1
        return (first..<piece, first..<piece)
    }

    /// The next pieces in which a match may begin, and those in which it may end.
    private mutating func nextWindow(of member: SearchMember) -> (pieces: Range<Int>, read: Range<Int>) {
        let first = piece
        piece = windowEnd(of: member, from: piece, MatchWindow.size)
        let end = windowEnd(of: member, from: piece, MatchWindow.overlap)
        if first == 0, piece < member.pieces.count { report.membersInParts += 1 }
        return (first..<piece, first..<end)
    }

    private func windowEnd(of member: SearchMember, from first: Int, _ size: Int) -> Int {
        var (end, joined) = (first, 0)
        while end < member.pieces.count,
            joined < size || (member.pieces[end - 1].endsMidLine && joined < size + MatchWindow.longestLine)
        {
            joined += member.pieces[end].count
            end += 1
        }
        return end
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
        guard let query, let source else { return true }
        // The literals of a joined line may be spread over its pieces.
        guard range.count == 1 || options.spansLines else { return true }
        if range.contains(where: { $0 + 1 < range.upperBound && member.pieces[$0].endsMidLine }) { return true }
        report.probed += range.count
        // Of a pattern that may span lines, the query is one literal, which is within one piece.
        guard range.contains(where: { source.mayContain(query, block: member.pieces[$0].block) }) else { return false }
        report.passed += range.count
        return true
    }
}
