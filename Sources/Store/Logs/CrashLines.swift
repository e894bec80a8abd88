import Catalog
public import Model
import Pack

/// The lines of a session's log at one of its crashes.
public struct CrashLines: Sendable, Equatable {
    /// One line.
    public struct Line: Sendable, Equatable {
        /// Its number in the member, from 1; nil if it is not known.
        public let number: UInt64?
        /// Its bytes without the line's end. Bytes from the container: any encoding, control characters included.
        public let bytes: [UInt8]
        /// Whether the crash's report begins in it.
        public let isReport: Bool

        /// Creates a line.
        public init(number: UInt64?, bytes: [UInt8], isReport: Bool = false) {
            self.number = number
            self.bytes = bytes
            self.isReport = isReport
        }
    }

    /// The path of the member they are from.
    public let path: [UInt8]
    /// The lines, in order.
    public let lines: [Line]
    /// Whether they are the end of the log, because the crash is from a dump and has no place in a log.
    public let isEnd: Bool

    /// Creates an excerpt.
    public init(path: [UInt8], lines: [Line], isEnd: Bool) {
        self.path = path
        self.lines = lines
        self.isEnd = isEnd
    }

    /// How many bytes are read before the place.
    fileprivate static let reachBefore: UInt64 = 32 * 1024
    /// How many bytes are read after it.
    fileprivate static let reachAfter: UInt64 = 16 * 1024
}

extension Store {
    /// The log lines at a crash: around its report if that is in a log, else the last ones of the session's log. Nil if the
    /// session has no log in its pack.
    ///
    /// - Parameters:
    ///   - crash: the crash's record.
    ///   - session: its session.
    ///   - before: the greatest number of lines before the report.
    ///   - after: the greatest number of lines from the report on.
    /// - Throws: ``StoreError``, `CatalogError` or `PackError` if the pack cannot be read.
    public func lines(
        at crash: CrashRecord?, in session: SessionRecord, before: Int, after: Int
    ) throws -> CrashLines? {
        guard session.pack != nil else { return nil }
        let pack = try SessionPack(session, in: self)
        if let crash, let offset = crash.memberOffset {
            let place = CrashPlace(crash: crash.crash, time: nil, member: crash.member, offset: offset)
            if let found = pack.member(of: place), pack.reader.members[found.index].kind.isText {
                return try pack.lines(ofMember: found.index, at: offset, before: before, after: after)
            }
        }
        guard let index = try pack.lastLogMember() else { return nil }
        return try pack.lines(ofMember: index, at: nil, before: before, after: 0)
    }
}

extension SessionPack {
    /// The lines before and from a byte on, or the last lines without one.
    fileprivate func lines(ofMember index: Int, at offset: UInt64?, before: Int, after: Int) throws -> CrashLines {
        let member = reader.members[index]
        let place = min(offset ?? member.size, member.size)
        let start = place > CrashLines.reachBefore ? place - CrashLines.reachBefore : 0
        let end = offset == nil ? member.size : min(member.size, place &+ CrashLines.reachAfter)
        var pieces = try bytes(ofMember: index, from: start, to: end)
            .split(separator: 0x0A, omittingEmptySubsequences: false)
        if pieces.last?.isEmpty == true, pieces.count > 1 { pieces.removeLast() }
        // Where each line begins, relative to the bytes that were read.
        if start > 0, pieces.count > 1 { pieces.removeFirst() }
        let target = Int(clamping: place - start)
        let report = offset == nil ? pieces.count : (pieces.firstIndex { $0.endIndex >= target } ?? pieces.count)
        let range = max(0, report - before)..<min(pieces.count, report + after)
        let first =
            try pieces.indices.contains(range.lowerBound)
            ? lineNumber(ofMember: index, at: start &+ UInt64(pieces[range.lowerBound].startIndex)) : nil
        let lines = range.map { place in
            let bytes = pieces[place].last == 0x0D ? pieces[place].dropLast() : pieces[place]
            return CrashLines.Line(
                number: first.map { $0 &+ UInt64(place - range.lowerBound) }, bytes: Array(bytes),
                isReport: offset != nil && place == report)
        }
        return CrashLines(path: member.path, lines: lines, isEnd: offset == nil)
    }

    private func bytes(ofMember index: Int, from start: UInt64, to end: UInt64) throws -> [UInt8] {
        let content = try reader.content(ofMember: index)
        var bytes = [UInt8](repeating: 0, count: Int(clamping: end > start ? end - start : 0))
        let count = try bytes.withUnsafeMutableBytes { try content.read(at: start, into: $0) }
        return Array(bytes.prefix(count))
    }

    /// The number of the line that begins at a byte, from the block that holds it; nil in a member with holes.
    private func lineNumber(ofMember index: Int, at offset: UInt64) throws -> UInt64? {
        let member = reader.members[index]
        guard member.holes.isEmpty else { return nil }
        let piece = reader.pieces(ofMember: index).last { $0.contentOffset <= offset }
        guard let piece else { return 1 }
        // A block with several members counts from the beginning of each.
        let isShared = reader.blocks[piece.block].flags.contains(.batch)
        guard !isShared || piece.contentOffset == 0 else { return nil }
        let before = try bytes(ofMember: index, from: piece.contentOffset, to: offset)
        let first = isShared ? 1 : reader.blocks[piece.block].firstLine
        return before.reduce(first) { $1 == 0x0A ? $0 &+ 1 : $0 }
    }
}
