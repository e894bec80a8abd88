/// A glob over bytes with SQLite's rules, for paths, which may not be valid UTF-8. `*` matches any bytes including `/`,
/// `?` one UTF-8 character or one invalid byte, `[a-c]` and `[^a-c]` one byte of a set.
///
/// The time to match is bounded by pattern length times path length: only the last star backtracks.
public struct PathGlob: Sendable, Equatable {
    private enum Token: Sendable, Equatable {
        case byte(UInt8)
        case any
        case anyCharacter
        case set([ClosedRange<UInt8>], negated: Bool)
    }

    private var tokens: [Token] = []

    /// Parses a pattern. An unclosed `[` matches itself.
    public init(_ pattern: String) {
        let bytes = Array(pattern.utf8)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "*"): if tokens.last != .any { tokens.append(.any) }
            case UInt8(ascii: "?"): tokens.append(.anyCharacter)
            case UInt8(ascii: "["):
                if let (token, next) = Self.set(bytes, after: index) {
                    tokens.append(token)
                    index = next
                    continue
                }
                tokens.append(.byte(bytes[index]))
            default: tokens.append(.byte(bytes[index]))
            }
            index += 1
        }
    }

    /// Whether the whole path matches.
    public func matches(_ path: [UInt8]) -> Bool { path.withUnsafeBytes { matches($0) } }

    /// Whether the whole path matches.
    public func matches(_ path: UnsafeRawBufferPointer) -> Bool {
        var (token, offset) = (0, 0)
        var star: (token: Int, offset: Int)?
        while offset < path.count {
            if token < tokens.count {
                if case .any = tokens[token] {
                    star = (token, offset)
                    token += 1
                    continue
                }
                let taken = Self.taken(tokens[token], path, offset)
                if taken > 0 {
                    token += 1
                    offset += taken
                    continue
                }
            }
            guard let last = star else { return false }
            star = (last.token, last.offset + 1)
            (token, offset) = (last.token + 1, last.offset + 1)
        }
        return tokens[token...].allSatisfy { $0 == .any }
    }

    /// Number of bytes at the offset that the token matches; 0 for no match.
    private static func taken(_ token: Token, _ path: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        let byte = path[offset]
        switch token {
        case .byte(let wanted): return byte == wanted ? 1 : 0
        case .set(let ranges, let negated): return ranges.contains { $0.contains(byte) } != negated ? 1 : 0
        case .any: return 0
        case .anyCharacter:
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            guard length > 1, offset + length <= path.count else { return 1 }
            return path[(offset + 1)..<(offset + length)].allSatisfy { $0 & 0xC0 == 0x80 } ? length : 1
        }
    }

    private static func set(_ bytes: [UInt8], after open: Int) -> (Token, next: Int)? {
        var index = open + 1
        let negated = index < bytes.count && bytes[index] == UInt8(ascii: "^")
        if negated { index += 1 }
        var ranges: [ClosedRange<UInt8>] = []
        let first = index
        while index < bytes.count {
            // A leading `]` is a member of the set, not its end.
            if bytes[index] == UInt8(ascii: "]"), index > first { return (.set(ranges, negated: negated), index + 1) }
            let low = bytes[index]
            if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "-"), bytes[index + 2] != UInt8(ascii: "]") {
                let high = bytes[index + 2]
                if low <= high { ranges.append(low...high) }
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return nil
    }
}
