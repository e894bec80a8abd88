public import Model
import Text

extension Configuration {
    /// Who is notified of what: the key `notify`.
    public struct Notifications: Sendable, Equatable {
        /// The address of the page that `salvage serve` shows, without a slash at its end; by default the one under
        /// `serve.public_address`. Nil leaves links out.
        public var page: String?
        /// Where messages go, in order; their names differ.
        public var channels: [Channel] = []
        /// When a signature crashes unusually often.
        public var spike = Spike()

        /// Nobody is notified.
        public init() {}
    }
}

extension Configuration.Notifications {
    /// How a message travels.
    public enum Kind: String, CaseIterable, Sendable {
        /// An incoming webhook of Slack.
        case slack
        /// A webhook of Discord.
        case discord
        /// A POST of JSON, signed.
        case webhook
        /// A program that gets the JSON on standard input.
        case command
    }

    /// Where messages go.
    public struct Channel: Sendable, Equatable {
        /// Its name, for commands, metrics and the outbox.
        public var name: String
        /// How a message travels.
        public var kind: Kind
        /// Where the webhook's address is; nil for a command.
        public var url: SecretSource?
        /// Where the key is that signs the messages of a generic webhook; nil sends them without a signature.
        public var secret: SecretSource?
        /// The program and its arguments; empty unless it is a command.
        public var command: [String] = []
        /// Which events it receives.
        public var on: Set<Event.Kind> = [.new, .returned, .lost]
        /// The events it wants by image, tag and location; an event that lacks the field does not match a pattern.
        public var match = Configuration.Match()
        /// For how long events are gathered into one message, in milliseconds.
        public var burst: Int64 = 30_000
        /// The most messages in an hour; what exceeds it goes into the next hour's.
        public var perHour = 20
        /// How long a try may take, in milliseconds; nil for the default of its kind.
        public var timeout: Int64?

        /// Creates a channel with the default of everything else.
        public init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }

        /// Whether it receives an event. Tests are for every channel.
        public func wants(_ event: Event) -> Bool {
            guard event.kind == .test || on.contains(event.kind) else { return false }
            func accepts(_ glob: Glob?, _ text: String?) -> Bool {
                guard let glob else { return true }
                return text.map(glob.matches) ?? false
            }
            return event.kind == .test
                || accepts(match.image, event.image) && accepts(match.tag, event.tag)
                    && accepts(match.location, event.location)
        }
    }

    /// When a signature crashes unusually often: all three must hold.
    public struct Spike: Sendable, Equatable {
        /// How many times as often as before, in crashes and in share of sessions.
        public var factor = 3
        /// The fewest sessions of the last hour that must have crashed with it.
        public var sessions = 5
        /// The least share of the last hour's sessions, in millionths.
        public var share: UInt32 = 20_000

        /// The defaults.
        public init() {}
    }
}
