public import Pack

/// A literal query made ready for the filters of blocks.
public struct BlockQuery: Sendable {
    /// The query.
    public let query: LiteralQuery
    /// The same over the grams of its literals.
    public let probes: ProbeTree

    /// Prepares a query.
    public init(_ query: LiteralQuery) {
        self.query = query
        probes = ProbeTree(query)
    }
}

/// AND and OR over the grams of literals.
public indirect enum ProbeTree: Sendable {
    /// Nothing to ask: every block may match.
    case all
    /// The grams of one literal.
    case probe(FilterProbe)
    /// All must be met.
    case and([ProbeTree])
    /// One must be met.
    case or([ProbeTree])

    /// The tree of a query; what has no gram to ask for drops out on the side of "may match".
    public init(_ query: LiteralQuery) {
        switch query {
        case .all: self = .all
        case .literal(let bytes):
            let probe = FilterProbe(bytes)
            self = probe.isEmpty ? .all : .probe(probe)
        case .and(let parts):
            let trees = parts.map(ProbeTree.init).filter { !$0.isAll }
            self = trees.isEmpty ? .all : trees.count == 1 ? trees[0] : .and(trees)
        case .or(let parts):
            let trees = parts.map(ProbeTree.init)
            self = trees.isEmpty || trees.contains(where: \.isAll) ? .all : .or(trees)
        }
    }

    /// Every filter meets it.
    public var isAll: Bool {
        if case .all = self { return true }
        return false
    }

    /// Whether a block with this filter (format 1, verified by the caller) may match.
    public func mayMatch(_ filter: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .all: true
        case .probe(let probe): probe.mayMatch(filter)
        case .and(let parts): parts.allSatisfy { $0.mayMatch(filter) }
        case .or(let parts): parts.contains { $0.mayMatch(filter) }
        }
    }
}
