public import Model

/// A crash of a session that was packed, and whether it is worth a message.
public struct HarvestedCrash: Sendable, Hashable {
    /// The crash's id.
    public var crash: String
    /// Its session.
    public var session: String
    /// The session's image.
    public var image: String
    /// The session's tag.
    public var tag: String?
    /// The session's location.
    public var location: String?
    /// The signature.
    public var signature: String
    /// Whether the signature is new or returned.
    public var novelty: CrashNovelty

    /// Creates it.
    public init(
        crash: String, session: String, image: String, tag: String?, location: String?, signature: String,
        novelty: CrashNovelty
    ) {
        self.crash = crash
        self.session = session
        self.image = image
        self.tag = tag
        self.location = location
        self.signature = signature
        self.novelty = novelty
    }

    /// What happened, where, and the command to type, as one line.
    public var sentence: String {
        let build = tag.map { " in \(image) \($0)" } ?? " in \(image)"
        let region = location.map { ", \($0)" } ?? ""
        return "session \(session) crashed: \(signature) (\(novelty.rawValue))\(build)\(region); salvage crash \(crash)"
    }
}
