import LogSearch
public import Model

/// A place in a log.
public enum LogPosition: Sendable, Equatable {
    /// The line with this number, from 1.
    case line(Int)
    /// The first line at or after this time (ms since 1970).
    case time(Int64)
    /// The first line.
    case start
    /// The end of the log.
    case end
}

/// Some lines of one log of a session, in the order in which they were written.
public struct LogWindow: Sendable {
    /// Whose log it is.
    public let session: SessionIdentity
    /// The member's path: raw, untrusted bytes.
    public let path: [UInt8]
    /// The lines.
    public let lines: [LogExcerptLine]
    /// The number of the line that was asked for; nil at the end of the log.
    public let around: Int?
    /// Whether the log has lines before them.
    public let hasMoreBefore: Bool
    /// Whether the log has lines after them.
    public let hasMoreAfter: Bool

    /// Most lines of one window.
    public static var most: Int { 2000 }
}

extension Store {
    /// The lines around a place in one log of a session, at most 2,000.
    ///
    /// - Parameters:
    ///   - path: the member's path; nil for the log that ends the session: the server's output if it was collected, else the
    ///     log that was written last.
    ///   - around: the place. The line there is one of the lines returned.
    ///   - before: most lines before it.
    ///   - after: most lines after it.
    /// - Throws: ``StoreError`` if there is no such session, member or log, `CatalogError`, `PackError` or `LiveFailure`.
    public func logWindow(
        of session: SessionRecord, member path: [UInt8]? = nil, around: LogPosition, before: Int, after: Int
    ) throws -> LogWindow {
        let log = try lines(of: session, member: path)
        let before = min(max(before, 0), LogWindow.most - 1)
        let after = min(max(after, 0), LogWindow.most - 1 - before)
        var (group, index) = try Self.find(around, in: log)
        var lines: [LogExcerptLine] = []
        let center = (group, index)
        var hasMoreBefore = false
        // Backwards from the place, exclusive.
        while lines.count < before || !hasMoreBefore {
            while index == 0, group > 0 {
                group -= 1
                index = try log.lines(inGroup: group).count
            }
            guard index > 0 else { break }
            guard lines.count < before else {
                hasMoreBefore = true
                break
            }
            index -= 1
            lines.append(try log.lines(inGroup: group)[index].line)
        }
        lines.reverse()
        (group, index) = center
        let wanted = lines.count + after + 1
        var hasMoreAfter = false
        var found: Int?
        while group < log.groups.count, !hasMoreAfter {
            let rest = try log.lines(inGroup: group).dropFirst(index)
            if found == nil { found = rest.first?.line.number }
            lines += rest.prefix(wanted - lines.count).map(\.line)
            hasMoreAfter = rest.count > 0 && lines.count == wanted && (rest.last?.line.number != lines.last?.number)
            if lines.count == wanted, !hasMoreAfter {
                hasMoreAfter = group + 1 < log.groups.count
                break
            }
            (group, index) = (group + 1, 0)
        }
        return LogWindow(
            session: session.identity, path: log.member.path, lines: lines, around: found,
            hasMoreBefore: hasMoreBefore, hasMoreAfter: hasMoreAfter)
    }

    /// The group of a place, and the index of its line in the group; the end of the last group if there is none.
    private static func find(_ position: LogPosition, in log: MemberLines) throws -> (group: Int, index: Int) {
        let last = max(0, log.groups.count - 1)
        let end = (last, try log.lines(inGroup: last).count)
        switch position {
        case .start: return (0, 0)
        case .end: return end
        case .line(let number):
            let wanted = UInt64(clamping: number)
            let group = log.groups.lastIndex { log.member.pieces[$0.lowerBound].firstLine <= wanted } ?? 0
            guard let index = try log.lines(inGroup: group).firstIndex(where: { $0.line.number >= number }) else {
                return group < last ? (group + 1, 0) : end
            }
            return (group, index)
        case .time(let time):
            guard log.hasTimes else { return end }
            for (group, pieces) in log.groups.enumerated() {
                let highest = pieces.compactMap { log.member.pieces[$0].times?.upperBound }.max()
                if let highest, highest < time { continue }
                let index = try log.lines(inGroup: group).firstIndex { ($0.line.time ?? .min) >= time }
                if let index { return (group, index) }
            }
            return end
        }
    }
}
