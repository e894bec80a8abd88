internal import Text

/// Matches a name against many patterns, in which a `*` is any text: exact names in a set, beginnings (`name*`) in a
/// sorted table, the few others by what precedes their first star. The star of `(*`, Go's mark of a pointer, is itself.
struct NamePatterns: Sendable {
    /// The patterns as written.
    let patterns: [String]
    private let exact: Set<String>
    /// Sorted prefixes, none a prefix of another, so the only candidate is the last that does not sort after the name.
    private let beginnings: [[UInt8]]
    private let inner: [Inner]

    /// A pattern with a star that is not its last character.
    private struct Inner: Sendable {
        /// What precedes the first star.
        let beginning: [UInt8]
        let glob: Glob
    }

    init(_ patterns: [String]) {
        self.patterns = patterns
        var exact: Set<String> = []
        var sorted: [[UInt8]] = []
        var inner: [Inner] = []
        for pattern in patterns {
            let bytes = Array(pattern.utf8)
            guard let star = Self.star(bytes) else {
                exact.insert(pattern)
                continue
            }
            if star == bytes.count - 1 {
                sorted.append(Array(bytes[..<star]))
            } else {
                inner.append(Inner(beginning: Array(bytes[..<star]), glob: Glob(pattern, wildcards: .stars)))
            }
        }
        sorted.sort { $0.lexicographicallyPrecedes($1) }
        var kept: [[UInt8]] = []
        for beginning in sorted where kept.last.map({ beginning.starts(with: $0) }) != true { kept.append(beginning) }
        self.exact = exact
        self.inner = inner
        beginnings = kept
    }

    /// The place of the first star that is a wildcard.
    private static func star(_ pattern: [UInt8]) -> Int? {
        pattern.indices.first { at in
            pattern[at] == UInt8(ascii: "*") && (at == 0 || pattern[at - 1] != UInt8(ascii: "("))
        }
    }

    func matches(_ name: String) -> Bool {
        if exact.contains(name) { return true }
        var name = name
        return name.withUTF8 { bytes in
            var low = 0
            var high = beginnings.count
            while low < high {
                let middle = (low + high) / 2
                if bytes.lexicographicallyPrecedes(beginnings[middle]) { high = middle } else { low = middle + 1 }
            }
            if low > 0, bytes.starts(with: beginnings[low - 1]) { return true }
            return inner.contains { bytes.starts(with: $0.beginning) && $0.glob.matches(UnsafeRawBufferPointer(bytes)) }
        }
    }
}
