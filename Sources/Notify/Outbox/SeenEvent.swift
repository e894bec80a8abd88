/// An event that was queued once.
struct SeenEvent: Sendable, Equatable {
    var id: String
    /// When it was queued (ms since 1970).
    var time: Int64
}
