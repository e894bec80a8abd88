import Live
import LogSearch
import LogTime
import Model
import Pack
import Text

/// One line of a log.
public struct LogExcerptLine: Sendable, Equatable {
    /// Its time (ms since 1970), its own or that of the line before it; nil if the log's time format is not known.
    public let time: Int64?
    /// Its number in the member, from 1.
    public let number: Int
    /// Its bytes without the line end, at most the first 32 KiB: any encoding, control characters included.
    public let text: [UInt8]

    /// Creates a line.
    public init(time: Int64?, number: Int, text: [UInt8]) {
        self.time = time
        self.number = number
        self.text = text
    }
}

/// Reads the lines of one member with their numbers and times. Used by one thread.
final class MemberLines {
    /// A line and where it begins.
    struct Line {
        let offset: UInt64
        let line: LogExcerptLine
    }

    let source: StoreSource
    let member: SearchMember
    /// Whether the lines have times.
    var hasTimes: Bool { member.timeFormat != .none }
    /// Ranges of pieces that begin and end at the ends of lines.
    let groups: [Range<Int>]
    private let reader: TimeReader
    private let decoder: BlockDecoder
    private var held: (group: Int, lines: [Line])?

    /// Most bytes of a line that are returned.
    static var longest: Int { 32 << 10 }
    /// Most bytes of one line that are joined.
    private static var longestJoined: Int { 8 << 20 }

    init(_ source: StoreSource, _ member: SearchMember) throws {
        self.source = source
        self.member = member
        reader = TimeReader(format: member.timeFormat, context: .init(sessionStart: source.label.start))
        decoder = try StoreSource.makeDecoder()
        var groups: [Range<Int>] = []
        var (first, size) = (0, 0)
        for (index, piece) in member.pieces.enumerated() {
            size += piece.count
            guard !piece.endsMidLine || size >= Self.longestJoined else { continue }
            groups.append(first..<index + 1)
            (first, size) = (index + 1, 0)
        }
        if first < member.pieces.count { groups.append(first..<member.pieces.count) }
        self.groups = groups
    }

    /// The offset of a group's first byte, and of the byte after the log.
    func offset(ofGroup group: Int) -> UInt64 {
        groups.indices.contains(group) ? member.pieces[groups[group].lowerBound].memberOffset : .max
    }

    /// The group that holds a byte.
    func group(at offset: UInt64) -> Int {
        groups.lastIndex { member.pieces[$0.lowerBound].memberOffset <= offset } ?? 0
    }

    /// The lines of a group, in order.
    ///
    /// - Throws: `PackError` or `LiveFailure` when its blocks cannot be read.
    func lines(inGroup group: Int) throws -> [Line] {
        if let held, held.group == group { return held.lines }
        guard groups.indices.contains(group) else { return [] }
        var text: [UInt8] = []
        for piece in groups[group] { text += try bytes(of: piece) }
        let first = member.pieces[groups[group].lowerBound]
        var time = hasTimes ? try carried(before: groups[group].lowerBound) : nil
        var lines: [Line] = []
        var number = Int(clamping: first.firstLine)
        text.withUnsafeBytes { bytes in
            // A byte order mark is not part of the text.
            var start = first.memberOffset == 0 && bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
                let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                if hasTimes, let own = reader.stamp(of: line) { time = own }
                let shown = line.last == 0x0D ? line.dropLast() : line[...]
                lines.append(
                    Line(
                        offset: first.memberOffset &+ UInt64(start),
                        line: LogExcerptLine(time: time, number: number, text: Array(shown.prefix(Self.longest)))))
                number += 1
                start = end + 1
            }
        }
        held = (group, lines)
        return lines
    }

    /// The time of the line before a piece: the last timestamp in earlier pieces, otherwise the session's start.
    private func carried(before piece: Int) throws -> Int64 {
        var index = piece
        while index > 0 {
            index -= 1
            if let times = member.pieces[index].times, times.lowerBound == times.upperBound { return times.lowerBound }
            if let last = try bytes(of: index).withUnsafeBytes({ reader.last(of: $0) }) { return last }
        }
        return source.label.start
    }

    private func bytes(of index: Int) throws -> [UInt8] {
        let piece = member.pieces[index]
        let size = source.rawSize(ofBlock: piece.block)
        var block = [UInt8](repeating: 0, count: size)
        let count = try block.withUnsafeMutableBytes {
            try source.decode(block: piece.block, with: decoder, into: $0)
        }
        guard count == size, piece.offset >= 0, piece.count >= 0, piece.offset <= size,
            piece.count <= size - piece.offset
        else {
            throw StoreError(
                .damaged, "the log cannot be read: a block is shorter than its table says",
                session: source.label.session, path: Escape.path(member.path),
                hint: "salvage verify names what is damaged", kind: .partial)
        }
        return Array(block[piece.offset..<piece.offset + piece.count])
    }
}

extension Store {
    /// Opens one text member of a session's pack, or its followed log.
    ///
    /// - Parameter path: the member's path; nil for the one that ends the session's log.
    /// - Throws: ``StoreError`` as ``log(of:)`` does, with `noLogs` if there is none, or `memberNotFound`.
    func lines(of session: SessionRecord, member path: [UInt8]?) throws -> MemberLines {
        let source: StoreSource
        switch try log(of: session) {
        case .followed(_, let logs): source = .live(LiveSource(logs, label: SourceLabel(session)))
        case .packed(let pack):
            let index: Int?
            if let path {
                let all = pack.reader.members(path: path).filter { pack.isText($0) }
                index = all.last { !pack.reader.members[$0].flags.contains(.shadowed) } ?? all.last
            } else {
                index = try pack.lastLogMember()
            }
            source = .pack(
                PackSource(
                    pack.reader, label: SourceLabel(session), usesFilters: false, members: index.map { [$0] } ?? []))
        }
        let member = path.map { path in source.members.first { $0.path == path } } ?? source.members.first
        guard let member else {
            throw StoreError(
                path == nil ? .noLogs : .memberNotFound,
                path == nil ? "the session has no log" : "the session has no text with this path",
                session: session.session, path: path.map { Escape.path($0) },
                hint: "salvage files \(session.session)", kind: .notFound)
        }
        return try MemberLines(source, member)
    }
}
