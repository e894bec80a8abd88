/// What a list of sessions tells about the newest crash of one.
public struct SessionCrash: Sendable, Equatable {
    /// The crash's id.
    public var crash: String
    /// The signal's name, otherwise the exception's or the kind of evidence.
    public var reason: String
    /// The signature.
    public var signature: String

    /// Creates it.
    public init(crash: String, reason: String, signature: String) {
        self.crash = crash
        self.reason = reason
        self.signature = signature
    }
}

/// What ended a session, as far as salvage knows: the API does not report it.
public enum SessionEnding: String, Sendable, CaseIterable {
    /// It crashed.
    case crash
    /// It ended, and what was collected shows no crash.
    case exit
    /// It ended, and there is nothing to tell by: nothing was collected yet or at all, or it was pruned.
    case unknown
}

extension SessionRecord {
    /// What ended it; nil while it runs.
    public var ending: SessionEnding? {
        if crashes > 0 { return .crash }
        if state == .running { return nil }
        return pack == nil ? .unknown : .exit
    }
}
