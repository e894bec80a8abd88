import JSON
import Model
import Notify
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage notify`: the channels that receive events.
enum NotifyCommands {
    /// The commands about channels, for the table.
    static var noun: CommandNoun {
        CommandNoun(
            word: "notify", abstract: "Try and list the channels that receive messages about crashes and losses.",
            commands: [.network(NotifyTest.self), .query(NotifyList.self)])
    }
}

/// `salvage notify test`: sends a test event to a channel.
struct NotifyTest: AsyncCommand {
    static var name: String { "notify test" }
    static var abstract: String { "Send a test message to a channel now and print its answer." }
    static var discussion: String {
        """
        Sends one event of the kind test, past the outbox and whatever else waits for the channel, and prints what \
        the channel answered. The address and other secrets are never printed. Exit code 0 means that the channel \
        took the message, 2 that it did not.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [.one("channel", "The channel's name in the configuration.") { $0.channel = $1 }]
    }

    /// What a channel answered.
    struct Delivery {
        let channel: String
        let answer: String
    }

    /// The JSON object of a test.
    static let shape = JSONShape<Delivery>(
        "NotifyTest", "A test event that a channel received.",
        [
            .text("channel", "the channel") { $0.channel },
            .boolean("delivered", "always true; a refusal is an error") { _ in true },
            .text("answer", "what it answered") { $0.answer },
        ])

    var channel = ""
    var options = GlobalOptions()

    func run() async throws {
        let configuration = try StoreAccess.configuration(options)
        let answer = try await ChannelTest.send(to: channel, configuration, environment: Environment.all)
        let output = Output(options)
        if options.json {
            output.line(Self.shape.line(Delivery(channel: channel, answer: answer)))
        } else {
            output.text("delivered to '\(Escape.display(channel))': \(Escape.display(answer))")
        }
        try output.finish()
    }
}

/// `salvage notify list`: the channels and what waits for them.
struct NotifyList: Command {
    static var name: String { "notify list" }
    static var abstract: String { "List the channels, what each receives, and what waits for it." }

    var options = GlobalOptions()

    func run() throws {
        let configured = try StoreAccess.configuration(options).notify.channels
        let report = try StoreAccess.store(options).channelReports()
        let gone = report.channels.filter { known in
            known.waiting > 0 && !configured.contains { $0.name.hasSameBytes(as: known.channel) }
        }
        let rows =
            configured.map { channel in
                let known = report.channels.first { $0.channel.hasSameBytes(as: channel.name) }
                return ChannelRow(channel: channel, report: known ?? ChannelReport(channel: channel.name))
            } + gone.map { ChannelRow(channel: nil, report: $0) }
        var listing = Listing<ChannelRow>(Output(options))
        for row in rows { try listing.add(row) }
        try listing.finish(orNothing: "no channel is configured", options)
    }
}
