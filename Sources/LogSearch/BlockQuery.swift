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

    /// Whether a block with this filter may match.
    /// - Parameters:
    ///   - format: the filter's format; whatever is looked for may match one that is unknown.
    ///   - isSound: whether the byte at an offset of the filter can be trusted; asked only of bytes that say no.
    public func mayMatch(
        _ filter: UnsafeRawBufferPointer, format: UInt16, isSound: (Int) -> Bool = { _ in true }
    ) -> Bool {
        switch self {
        case .all: return true
        case .probe(let probe):
            guard let missing = probe.missing(in: filter, format: format) else { return true }
            return !isSound(missing)
        case .and(let parts):
            for part in parts where !part.mayMatch(filter, format: format, isSound: isSound) { return false }
            return true
        case .or(let parts):
            for part in parts where part.mayMatch(filter, format: format, isSound: isSound) { return true }
            return false
        }
    }
}
