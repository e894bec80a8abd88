/// Bounds on the sets of possible strings, similar to ripgrep's.
enum LiteralLimits {
    /// Largest class that is expanded.
    static let classSize = 10
    /// Most strings in one set.
    static let setSize = 16
    /// Longest string, in bytes.
    static let length = 64
    /// Most copies of a repeated item that are expanded.
    static let repeats = 16
    /// Most nodes visited; later ones add no required literals.
    static let elements = 2000

    /// Whether a filter can exclude a literal: it contains a 5-gram, or a 3-gram without a digit.
    static func isUsable(_ literal: [UInt8]) -> Bool {
        if literal.count >= 5 { return true }
        var run = 0
        for byte in literal {
            run = byte &- 0x30 <= 9 ? 0 : run + 1
            if run >= 3 { return true }
        }
        return false
    }
}

/// Extracts the required literals of a parsed pattern.
struct LiteralExtraction {
    private var budget = LiteralLimits.elements

    /// Returns the query of a pattern.
    static func query(of node: PatternNode) -> LiteralQuery {
        var extraction = LiteralExtraction()
        return extraction.query(node)
    }

    /// The state of a walk over a concatenation: adjacent strings are joined.
    private struct Run {
        var current: [[UInt8]] = [[]]
        var found: [LiteralQuery] = []

        mutating func grow(by strings: [[UInt8]]) {
            if strings == [[]] { return }
            if current.count * strings.count <= LiteralLimits.setSize {
                var crossed: [[UInt8]] = []
                var fits = true
                for head in current {
                    for tail in strings {
                        let joined = head + tail
                        if joined.count > LiteralLimits.length { fits = false }
                        if !crossed.contains(joined) { crossed.append(joined) }
                    }
                }
                if fits {
                    current = crossed
                    return
                }
            }
            end()
            current = strings
        }

        /// Requires the strings joined so far; what follows is not adjacent.
        mutating func end() {
            if current.allSatisfy(LiteralLimits.isUsable) {
                found.append(LiteralQuery.either(current.map { .literal($0) }))
            }
            current = [[]]
        }
    }

    private mutating func query(_ node: PatternNode) -> LiteralQuery {
        var run = Run()
        walk(node, &run)
        run.end()
        return .both(run.found)
    }

    private mutating func walk(_ node: PatternNode, _ run: inout Run) {
        budget -= 1
        guard budget > 0 else {
            run.end()
            return
        }
        switch node {
        case .strings(let strings): run.grow(by: strings)
        case .anything: run.end()
        case .concat(let items):
            for item in items { walk(item, &run) }
        case .alternation(let branches):
            if let strings = exact(node) {
                run.grow(by: strings)
            } else {
                run.end()
                run.found.append(.either(branches.map { query($0) }))
            }
        case .repetition(let item, let low, let high):
            repeated(item, low, high, node, &run)
        case .ahead(let item):
            // It must match on the same line, so its literals are required.
            run.found.append(query(item))
        }
    }

    private mutating func repeated(
        _ item: PatternNode, _ low: Int, _ high: Int?, _ node: PatternNode, _ run: inout Run
    ) {
        if let strings = exact(node) {
            run.grow(by: strings)
            return
        }
        guard low > 0 else {
            run.end()
            return
        }
        let copies = min(low, LiteralLimits.repeats)
        for _ in 0..<copies { walk(item, &run) }
        guard copies != low || high != low else { return }
        // There may be more copies, and only the last is adjacent to what follows.
        run.end()
        walk(item, &run)
    }

    /// All strings that a node can match, if they are known and few; otherwise nil.
    private mutating func exact(_ node: PatternNode) -> [[UInt8]]? {
        budget -= 1
        guard budget > 0 else { return nil }
        switch node {
        case .strings(let strings): return strings
        case .anything, .ahead: return nil
        case .concat(let items):
            var all: [[UInt8]] = [[]]
            for item in items {
                guard let strings = exact(item), let crossed = Self.cross(all, strings) else { return nil }
                all = crossed
            }
            return all
        case .alternation(let branches):
            var all: [[UInt8]] = []
            for branch in branches {
                guard let strings = exact(branch) else { return nil }
                for string in strings where !all.contains(string) { all.append(string) }
                guard all.count <= LiteralLimits.setSize else { return nil }
            }
            return all
        case .repetition(let item, let low, let high):
            guard let high, high <= LiteralLimits.repeats, low == high || (low == 0 && high == 1) else { return nil }
            guard let strings = exact(item) else { return nil }
            if low == 0, high == 1 { return strings.contains([]) ? strings : strings + [[]] }
            var all: [[UInt8]] = [[]]
            for _ in 0..<low {
                guard let crossed = Self.cross(all, strings) else { return nil }
                all = crossed
            }
            return all
        }
    }

    private static func cross(_ heads: [[UInt8]], _ tails: [[UInt8]]) -> [[UInt8]]? {
        guard heads.count * tails.count <= LiteralLimits.setSize else { return nil }
        var crossed: [[UInt8]] = []
        for head in heads {
            for tail in tails {
                guard head.count + tail.count <= LiteralLimits.length else { return nil }
                let joined = head + tail
                if !crossed.contains(joined) { crossed.append(joined) }
            }
        }
        return crossed
    }
}
