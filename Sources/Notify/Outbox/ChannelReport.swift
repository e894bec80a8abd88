public import JSON

/// The state of a channel, for `status` and metrics.
public struct ChannelReport: Sendable, Equatable {
    /// Its name.
    public var channel: String
    /// Events that wait for delivery.
    public var waiting = 0
    /// When the oldest of them was queued (ms since 1970).
    public var oldest: Int64?
    /// Messages that the channel took.
    public var delivered = 0
    /// Events that were given up.
    public var failed = 0
    /// Tries that failed.
    public var failures = 0
    /// Why the last try failed; nil after a success.
    public var lastError: String?
    /// When that was (ms since 1970).
    public var lastErrorTime: Int64?

    /// The report of a channel that has received nothing yet.
    public init(channel: String) { self.channel = channel }

    init(_ name: String, _ state: OutboxChannel) {
        channel = name
        waiting = state.undelivered
        oldest = state.current?.since ?? state.waiting.first?.since
        delivered = state.totals.delivered
        failed = state.totals.failed
        failures = state.totals.failures
        lastError = state.totals.lastError
        lastErrorTime = state.totals.lastErrorTime
    }

    /// Its JSON object.
    public static let shape = JSONShape<ChannelReport>(
        "Channel", "A channel of notifications and what waits for it.",
        [
            .text("channel", "its name") { $0.channel },
            .integer("waiting", "events that wait for delivery") { $0.waiting },
            .time("oldest", "when the oldest of them was queued") { $0.oldest },
            .integer("delivered", "messages that the channel took") { $0.delivered },
            .integer("given_up", "events that were given up") { $0.failed },
            .integer("failures", "tries that failed") { $0.failures },
            .optionalText("last_error", "why the last try failed; absent after a success") { $0.lastError },
            .time("last_error_time", "when that was") { $0.lastErrorTime },
        ])
}
