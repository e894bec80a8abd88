public import BlockIndex

/// A literal query prepared for block filters.
public struct BlockQuery: Sendable {
    /// The literal query.
    public let query: LiteralQuery
    /// The query over the grams of its literals.
    public let probes: ProbeTree

    /// Prepares a query.
    public init(_ query: LiteralQuery) {
        self.query = query
        probes = query.probes
    }
}

extension LiteralQuery {
    /// The query over the grams of the literals.
    fileprivate var probes: ProbeTree {
        switch self {
        case .all: .all
        case .literal(let bytes): .literal(bytes)
        case .and(let parts): .both(parts.map(\.probes))
        case .or(let parts): .either(parts.map(\.probes))
        }
    }
}
