import SalvageConfiguration

/// What the outbox must know of a channel.
struct OutboxSettings: Sendable, Equatable {
    /// For how long events are gathered, in milliseconds.
    var burst: Int64
    /// The most messages in an hour.
    var perHour: Int

    init(burst: Int64 = 30_000, perHour: Int = 20) {
        self.burst = burst
        self.perHour = perHour
    }

    init(_ channel: Configuration.Notifications.Channel) {
        self.init(burst: channel.burst, perHour: channel.perHour)
    }
}
