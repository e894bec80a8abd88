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
    }

    /// The lines of one member.
    struct Member: Sendable, Equatable {
        var path: [UInt8]
        var lines: [Line]
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
    /// Whether only the first hit of a session is wanted.
    let isOnePerSession: Bool
    /// When the search ends at the latest, in the time of `MonotonicClock`, in milliseconds.
    let end: Int64
    private var isLeftOut = false

    init(isOnePerSession: Bool, end: Int64) {
        self.isOnePerSession = isOnePerSession
        self.end = end
    }

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
                        matches: Array(lines.matches(at: index).prefix(50)), isSelected: line.isSelected))
            }
        }
    }

    var renderer: Lines { Lines() }

    var isClosed: Bool { isFull || MonotonicClock.milliseconds() > end }

    mutating func begin(_ member: SearchedMember) {
        let isSame = sessions.last.map { $0.label.session.hasSameBytes(as: member.label.session) } ?? false
        isLeftOut =
            isSame && isOnePerSession && sessions.last.map { $0.members.contains { !$0.lines.isEmpty } } ?? false
        guard !isLeftOut else { return }
        if !isSame { sessions.append(Session(label: member.label, members: [])) }
        sessions[sessions.count - 1].members.append(Member(path: member.path, lines: []))
    }

    mutating func take(_ block: [Line], _ lines: Range<Int>) {
        guard !isLeftOut, !sessions.isEmpty, !sessions[sessions.count - 1].members.isEmpty else { return }
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
