import Clocks
import LogSearch
import Model
import Text

/// The first results of a search, for a page that a server renders.
struct PageSearch: SearchSink, Sendable {
    /// A line of a log.
    struct Line: Sendable, Equatable {
        /// Its number in the member.
        var number: UInt64
        /// Its bytes, cut after ``PageSearch/longestLine``.
        var bytes: [UInt8]
        /// The matches, as offsets in the line.
        var matches: [Range<Int>]
        /// Whether it is a hit rather than context.
        var isSelected: Bool
        /// Its time (ms since 1970), its own or that of the line before it; nil if it is not known.
        var time: Int64?
    }

    /// The lines of one member.
    struct Member: Sendable, Equatable {
        var path: [UInt8]
        var lines: [Line]
        /// Paths of other members of the session with the same bytes.
        var also: [[UInt8]] = []
    }

    /// The hits of one session.
    struct Session: Sendable, Equatable {
        var label: SourceLabel
        var members: [Member]
    }

    /// Most hits.
    static let mostHits = 200
    /// Bytes of a line that are shown.
    static let longestLine = 1000
    /// How long a search may take, in milliseconds.
    static let patience: Int64 = 5000

    /// The sessions with hits, in the order of the search.
    private(set) var sessions: [Session] = []
    /// The number of hits.
    private(set) var hits = 0
    /// Whether the search was ended because there are more hits than fit.
    private(set) var isFull = false
    /// When the search ends at the latest, in the time of `MonotonicClock`, in milliseconds.
    let end: Int64

    init(end: Int64) { self.end = end }

    /// Collects the lines of a block.
    struct Lines: BlockRenderer {
        var needsNumbers: Bool { true }
        var needsMatches: Bool { true }

        func makeBlock(_ member: SearchedMember, isWhole: Bool) -> [Line] { [] }

        func add(_ lines: FoundLines, to block: inout [Line]) {
            for (index, line) in lines.lines.enumerated() {
                block.append(
                    Line(
                        number: line.number, bytes: Array(lines.bytes(of: line).prefix(PageSearch.longestLine)),
                        matches: Array(lines.matches(at: index).prefix(50)), isSelected: line.isSelected,
                        time: line.time))
            }
        }
    }

    var renderer: Lines { Lines() }

    var isClosed: Bool { isFull || MonotonicClock.milliseconds() > end }

    mutating func begin(_ member: SearchedMember) {
        let isSame = sessions.last.map { $0.label.session.hasSameBytes(as: member.label.session) } ?? false
        if !isSame { sessions.append(Session(label: member.label, members: [])) }
        sessions[sessions.count - 1].members.append(Member(path: member.path, lines: [], also: member.also))
    }

    mutating func take(_ block: [Line], _ lines: Range<Int>) {
        guard !sessions.isEmpty, !sessions[sessions.count - 1].members.isEmpty else { return }
        let session = sessions.count - 1
        let member = sessions[session].members.count - 1
        for line in block[lines] {
            if line.isSelected {
                guard hits < Self.mostHits else {
                    isFull = true
                    return
                }
                hits += 1
            }
            sessions[session].members[member].lines.append(line)
        }
    }

    mutating func gap() {}
    mutating func end(_ member: SearchedMember, _ result: MemberResult) {}
    mutating func finish(_ report: SearchReport) {}
    mutating func flush() {}
}
