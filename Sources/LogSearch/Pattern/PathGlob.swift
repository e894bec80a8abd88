/// A glob over a member's path: `*` and `?` do not match `/`, `**` does; `[a-z]` and `[!a-z]` are sets.
///
/// A glob without a slash is matched against the last component of the path, one with a slash against the whole path,
/// as with ripgrep's `-g`. Matching is case-sensitive.
public struct PathGlob: Sendable {
    private enum Token: Equatable {
        case byte(UInt8)
        case one
        case many
        case anyText
        case anyFolders
        case set([ClosedRange<UInt8>], negated: Bool)
    }

    private let tokens: [Token]
    private let wholePath: Bool

    /// Parses a glob. Every text is valid; an unclosed bracket matches itself.
    public init(_ text: String) {
        var bytes = Array(text.utf8)
        wholePath = bytes.contains(0x2F)
        if bytes.first == 0x2F { bytes.removeFirst() }
        var tokens: [Token] = []
        var at = 0
        while at < bytes.count {
            switch bytes[at] {
            case 0x2A where at + 1 < bytes.count && bytes[at + 1] == 0x2A:
                at += 2
                // `**/` matches any number of folders, including none.
                let folders = at < bytes.count && bytes[at] == 0x2F
                if folders { at += 1 }
                tokens.append(folders ? .anyFolders : .anyText)
                continue
            case 0x2A: if tokens.last != .many { tokens.append(.many) }
            case 0x3F: tokens.append(.one)
            case 0x5C where at + 1 < bytes.count:
                at += 1
                tokens.append(.byte(bytes[at]))
            case 0x5B:
                if let (set, end) = Self.set(bytes, from: at) {
                    tokens.append(set)
                    at = end
                    continue
                }
                tokens.append(.byte(0x5B))
            default: tokens.append(.byte(bytes[at]))
            }
            at += 1
        }
        self.tokens = tokens
    }

    private static func set(_ bytes: [UInt8], from start: Int) -> (Token, Int)? {
        var at = start + 1
        let negated = at < bytes.count && (bytes[at] == 0x21 || bytes[at] == 0x5E)
        if negated { at += 1 }
        var ranges: [ClosedRange<UInt8>] = []
        let first = at
        while at < bytes.count, bytes[at] != 0x5D || at == first {
            let low = bytes[at]
            if at + 2 < bytes.count, bytes[at + 1] == 0x2D, bytes[at + 2] != 0x5D {
                ranges.append(min(low, bytes[at + 2])...max(low, bytes[at + 2]))
                at += 3
            } else {
                ranges.append(low...low)
                at += 1
            }
        }
        return at < bytes.count ? (.set(ranges, negated: negated), at + 1) : nil
    }

    /// Whether a path matches.
    public func matches(_ path: [UInt8]) -> Bool {
        var path = path[...]
        while path.first == 0x2F { path.removeFirst() }
        if path.starts(with: "./".utf8) { path = path.dropFirst(2) }
        if !wholePath, let slash = path.lastIndex(of: 0x2F) { path = path[(slash + 1)...] }
        return Self.matches(tokens, Array(path))
    }

    /// Dynamic programming over tokens and bytes: time is bounded by tokens times bytes.
    private static func matches(_ tokens: [Token], _ path: [UInt8]) -> Bool {
        var reach = [Bool](repeating: false, count: path.count + 1)
        reach[0] = true
        for token in tokens {
            var next = [Bool](repeating: false, count: path.count + 1)
            var reached = false
            for at in 0...path.count {
                switch token {
                case .anyText: next[at] = reach[at] || (at > 0 && next[at - 1])
                case .anyFolders:
                    next[at] = reach[at] || (reached && path[at - 1] == 0x2F)
                    reached = reached || reach[at]
                case .many: next[at] = reach[at] || (at > 0 && next[at - 1] && path[at - 1] != 0x2F)
                case .one: next[at] = at > 0 && reach[at - 1] && path[at - 1] != 0x2F
                case .byte(let byte): next[at] = at > 0 && reach[at - 1] && path[at - 1] == byte
                case .set(let ranges, let negated):
                    next[at] =
                        at > 0 && reach[at - 1] && path[at - 1] != 0x2F
                        && ranges.contains { $0.contains(path[at - 1]) } != negated
                }
            }
            reach = next
        }
        return reach[path.count]
    }
}
