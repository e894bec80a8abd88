import SalvageConfiguration

/// Sends a message to a channel, whatever its kind.
final class Delivery: Sendable {
    private let webhooks = WebhookDelivery()
    private let commands = CommandDelivery()

    /// Sends a message once; returns after a bounded time.
    func deliver(
        _ message: OutboxMessage, to channel: Configuration.Notifications.Channel, environment: [String: String]
    ) async -> DeliveryOutcome {
        switch channel.kind {
        case .slack, .discord, .webhook:
            await webhooks.deliver(message, to: channel, environment: environment)
        case .command:
            await commands.deliver(message, to: channel, environment: environment)
        }
    }

    /// Closes all connections.
    func shutdown() async { await webhooks.shutdown() }
}
