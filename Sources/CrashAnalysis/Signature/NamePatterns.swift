/// Matches a name against many patterns: exact names in a set, prefixes (`name*`) in a sorted table.
struct NamePatterns: Sendable {
    private let exact: Set<String>
    /// Sorted prefixes, none a prefix of another, so the only candidate is the last that does not sort after the name.
    private let beginnings: [[UInt8]]

    init(_ patterns: [String]) {
        exact = Set(patterns.lazy.filter { !$0.hasSuffix("*") })
        let sorted = patterns.lazy.filter { $0.hasSuffix("*") }.map { Array($0.utf8.dropLast()) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        var kept: [[UInt8]] = []
        for beginning in sorted where kept.last.map({ beginning.starts(with: $0) }) != true { kept.append(beginning) }
        beginnings = kept
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
            return low > 0 && bytes.starts(with: beginnings[low - 1])
        }
    }
}
