/// The state of a signature.
public enum SignatureState: String, CaseIterable, Sendable {
    /// Never seen before the window that is asked about, and nobody decided anything.
    case new
    /// Known, and nothing is decided, or it was reopened.
    case open
    /// Fixed in a tag, and not seen at or after it.
    case fixed
    /// Fixed in a tag, and seen at or after it.
    case returned
    /// Ignored, until a date or a number of crashes.
    case ignored
}

/// One entry of the journal of decisions: who said what about a signature, when.
public struct Decision: Sendable, Equatable {
    /// What was decided.
    public enum Action: Sendable, Equatable {
        /// It is fixed: in builds at or after `tag`; nil for any build whose sessions begin after the decision.
        case resolve(fixedIn: String?)
        /// It is ignored until a time (ms since 1970) or until it has this many more crashes; both nil: for ever.
        case ignore(until: Int64?, crashes: Int?)
        /// Neither fixed nor ignored.
        case reopen
        /// Somebody owns it; nil: nobody.
        case assign(owner: String?)
        /// Its crashes count as those of another signature.
        case merge(into: String)
        /// It stands alone again.
        case unmerge
        /// Only a note or a ticket.
        case note
    }

    /// The signature it is about.
    public var signature: String
    /// When (ms since 1970).
    public var time: Int64
    /// Who.
    public var author: String
    /// What.
    public var action: Action
    /// A link to a ticket, if one was given.
    public var ticket: String?
    /// A note, if one was given.
    public var note: String?

    /// Creates an entry.
    public init(
        signature: String, time: Int64, author: String, action: Action, ticket: String? = nil, note: String? = nil
    ) {
        self.signature = signature
        self.time = time
        self.author = author
        self.action = action
        self.ticket = ticket
        self.note = note
    }
}

/// What is decided about a signature: the sum of its journal entries.
public struct SignatureStanding: Sendable, Equatable {
    /// The last decision about its state; nil if there is none or it was reopened.
    public var resolution: Decision?
    /// Who owns it.
    public var owner: String?
    /// The ticket's link.
    public var ticket: String?
    /// All entries about it and about the signatures merged into it, oldest first.
    public var history: [Decision]
    /// The signatures merged into it.
    public var merged: [String]

    /// Nothing is decided.
    public init() {
        history = []
        merged = []
    }
}

/// Whether a crash is worth a message.
public enum CrashNovelty: String, Sendable, CaseIterable {
    /// Its signature was never seen before.
    case new
    /// Its signature was fixed, and this build is at or after the one it was fixed in.
    case returned
    /// Its signature is known.
    case known
    /// Its signature is ignored.
    case ignored
}
