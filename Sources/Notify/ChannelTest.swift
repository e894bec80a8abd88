import Clocks
import Model
public import SalvageConfiguration

/// Sends a test event to a channel at once, past the outbox.
public enum ChannelTest {
    /// Sends the event and returns what the channel answered.
    ///
    /// - Parameters:
    ///   - name: the channel's name.
    ///   - environment: the program's environment, for secrets and for commands.
    /// - Throws: ``NotifyError`` with `unknownChannel` or `notDelivered`; `ConfigurationError` if a secret cannot be read.
    public static func send(
        to name: String, _ configuration: Configuration, environment: [String: String]
    ) async throws -> String {
        let channels = configuration.notify.channels
        guard let channel = channels.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
            let known = channels.map(\.name).joined(separator: ", ")
            throw NotifyError(
                .unknownChannel, "the configuration has no channel '\(name)'",
                hint: known.isEmpty ? "add it under notify: channels:, see docs/notify.md" : "use one of: \(known)")
        }
        // Reported as they are, with a hint, before anything is sent.
        _ = try channel.url?.read(environment)
        _ = try channel.secret?.read(environment)
        let delivery = Delivery()
        let outcome = await delivery.deliver(
            OutboxMessage([event(channel, configuration.notify.page)]), to: channel, environment: environment)
        await delivery.shutdown()
        switch outcome {
        case .delivered(let answer): return answer
        case .failed(let reason, _), .refused(let reason):
            throw NotifyError(
                .notDelivered, "channel '\(name)' did not take the test: \(reason)",
                hint: channel.kind == .command
                    ? "run the command by hand with JSON on its standard input"
                    : "check the address in \(channel.url.map { "\($0)" } ?? "its file") and the network")
        }
    }

    private static func event(_ channel: Configuration.Notifications.Channel, _ page: String?) -> Event {
        let now = WallClock.now()
        var event = Event(
            id: "test-\(channel.name)-\(now)", kind: .test, time: now,
            message: "this is a test of channel '\(channel.name)' by salvage notify test")
        event.link = page
        event.command = "salvage notify list"
        return event
    }
}
