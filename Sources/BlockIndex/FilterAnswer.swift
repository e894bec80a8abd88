/// What the filters of a pack say about a query.
public enum FilterAnswer: Sendable, Equatable {
    /// None of the pack's blocks can match; with their number.
    case noBlock(of: Int)
    /// Some blocks may match: a flag for each block of the pack.
    case blocks([Bool])
    /// The filters are stored in the pack, and must be queried there.
    case askPack
}
