/// By what the results of a search are sorted; the words of ripgrep's `--sort`, and two of our own.
public enum SearchOrder: String, CaseIterable, Sendable {
    /// As the store has them: by day and session, then running sessions.
    case none
    /// By session and path, as they are printed.
    case path
    /// Lines by their own time, those of all members in one sequence.
    case time
    /// By the time of the member's last change.
    case modified
    /// By the time when the session was created.
    case created
    /// By the session's id; its members in their order in the archive.
    case session
}

/// An order of results, and whether it is reversed.
public struct SearchSorting: Sendable, Equatable {
    /// By what.
    public var order: SearchOrder
    /// Whether the last comes first.
    public var isReversed: Bool

    /// Creates a sorting; by default results are in the store's order.
    public init(_ order: SearchOrder = .none, isReversed: Bool = false) {
        self.order = order
        self.isReversed = isReversed
    }

    /// Whether sources have to be sorted: lines are sorted by time after they are found.
    var sortsSources: Bool { order != .time && (order != .none || isReversed) }

    /// Whether members of one source may be apart in this order.
    var splitsSources: Bool { order == .path || order == .modified }
}
