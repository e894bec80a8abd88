/// The order of lines by their own time. Lines of the same time keep the order of members and of lines in a member.
public struct TimeOrder: Sendable, Equatable {
    /// Whether the latest line comes first.
    public var isReversed: Bool
    /// Most bytes that wait in memory; more go to a temporary file.
    public var memory: Int
    /// Most bytes in the temporary file; a search that finds more fails.
    public var disk: UInt64

    /// Creates an order.
    public init(isReversed: Bool = false, memory: Int = 64 << 20, disk: UInt64 = 8 << 30) {
        self.isReversed = isReversed
        self.memory = memory
        self.disk = disk
    }
}
