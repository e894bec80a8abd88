public import JSON

/// Something a team wants to know at once: the object that webhooks receive and that the server's stream of events sends.
public struct Event: Sendable, Equatable {
    /// What happened.
    public enum Kind: String, CaseIterable, Sendable {
        /// A crash with a signature never seen before.
        case new
        /// A crash with a signature that was fixed, in a build at or after the one it was fixed in.
        case returned
        /// A signature crashes far more often than in the build's own past.
        case spike
        /// An artifact or a session was lost.
        case lost
        /// The path of a rule is absent in every session.
        case absent
        /// A container will be gone before its artifacts are collected.
        case deadline
        /// Sent by `salvage notify test`.
        case test
    }

    /// The key by which a receiver recognizes a second delivery.
    public var id: String
    /// What happened.
    public var kind: Kind
    /// When (ms since 1970).
    public var time: Int64
    /// One sentence for people, without markup.
    public var message: String
    /// The session's image.
    public var image: String?
    /// The session's tag.
    public var tag: String?
    /// The session's location.
    public var location: String?
    /// The session.
    public var session: String?
    /// The crash.
    public var crash: String?
    /// The signature.
    public var signature: String?
    /// The signature's short id.
    public var signatureID: String?
    /// The first frames of its stack with file and line.
    public var frames: [String] = []
    /// How many crashes or sessions it stands for.
    public var count: Int = 1
    /// The address of the page about it, if the configuration says where the server is.
    public var link: String?
    /// The command to type.
    public var command: String?

    /// Creates an event; the other properties are set afterwards.
    public init(id: String, kind: Kind, time: Int64, message: String) {
        self.id = id
        self.kind = kind
        self.time = time
        self.message = message
    }

    /// Its JSON object.
    public static let shape = JSONShape<Event>(
        "Event", "Something that happened, as webhooks and the stream of events send it.",
        [
            .text("id", "the key by which a second delivery is recognized") { $0.id },
            .word("event", Kind.allCases.map(\.rawValue), "what happened") { $0.kind.rawValue },
            .time("time", "when") { $0.time },
            .text("message", "one sentence for people") { $0.message },
            .optionalText("image", "the session's image") { $0.image },
            .optionalText("tag", "the session's tag") { $0.tag },
            .optionalText("location", "the session's location") { $0.location },
            .optionalText("session", "the session") { $0.session },
            .optionalText("crash", "the crash's id") { $0.crash },
            .optionalText("signature", "the signature") { $0.signature },
            .optionalText("signature_id", "the signature's short id") { $0.signatureID },
            .texts("frames", "the first frames, with file and line") { $0.frames },
            .integer("count", "how many crashes or sessions it stands for") { $0.count },
            .optionalText("link", "the page about it") { $0.link },
            .optionalText("command", "the command to type") { $0.command },
        ])
}
