public import Pack

/// A literal query prepared for block filters.
public struct BlockQuery: Sendable {
    /// The literal query.
    public let query: LiteralQuery
    /// The query over the grams of its literals.
    public let probes: ProbeTree

    /// Prepares a query.
    public init(_ query: LiteralQuery) {
        self.query = query
        probes = ProbeTree(query)
    }
}

/// An AND/OR tree over the grams of literals.
public indirect enum ProbeTree: Sendable {
    /// Every block may match.
    case all
    /// The grams of one literal.
    case probe(FilterProbe)
    /// All must match.
    case and([ProbeTree])
    /// At least one must match.
    case or([ProbeTree])

    /// Builds the tree of a query. A literal without grams is treated as "may match".
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

    /// Whether every filter matches.
    public var isAll: Bool {
        if case .all = self { return true }
        return false
    }

    /// Whether a block with this filter may match.
    /// - Parameters:
    ///   - format: the filter's format; an unknown one always may match.
    ///   - isSound: whether the byte at an offset of the filter is valid; called only for bytes that exclude the block.
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
