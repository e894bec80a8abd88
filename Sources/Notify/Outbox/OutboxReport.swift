import Text

/// What waits in a store's outbox, read without changing it.
public struct OutboxReport: Sendable, Equatable {
    /// The channels that the outbox knows, by name.
    public var channels: [ChannelReport]
    /// The number of its lines that cannot be read.
    public var unreadableLines: Int

    /// Reads a store's outbox.
    ///
    /// - Throws: ``NotifyError`` with `outboxUnusable` if it exists and cannot be read.
    public init(store: String) throws(NotifyError) {
        guard let content = try OutboxJournal.read(store) else {
            (channels, unreadableLines) = ([], 0)
            return
        }
        var outbox = Outbox(seed: 0)
        for record in content.records { outbox.replay(record) }
        channels = outbox.channels.sortedByKey.map { ChannelReport($0.key, $0.value) }
        unreadableLines = content.unreadable.count
    }
}
