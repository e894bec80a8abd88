import SalvageConfiguration

/// How long a try to deliver a message may take.
struct TryLimit: Sendable, Equatable {
    /// In milliseconds.
    let milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// What the channel says, else the default of its kind.
    init(_ channel: Configuration.Notifications.Channel) {
        milliseconds = channel.timeout ?? (channel.kind == .command ? 30_000 : 10_000)
    }

    /// Such as `10 s`.
    var words: String { milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms" }
}
