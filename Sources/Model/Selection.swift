/// Selects sessions or their crashes. Empty and nil properties select everything. All properties must match; the values
/// of one list are alternatives. Labels of different names must all match; several values for one name are alternatives.
///
/// Globs are those of `Glob` without a separator: `*` also matches `/`.
public struct Selection: Sendable, Equatable {
    /// Ids of sessions, or prefixes of exactly one id each.
    public var sessions: [String]
    /// Globs over the image.
    public var images: [String]
    /// Globs over the tag.
    public var tags: [String]
    /// Globs over the location.
    public var locations: [String]
    /// Labels that must be present, those of one name being alternatives.
    public var labels: [LabelMatch]
    /// The earliest time (ms since 1970), inclusive: of a session's end (its start while it runs), or of the crash.
    public var since: Int64?
    /// The latest time (ms since 1970), exclusive.
    public var until: Int64?
    /// Only sessions with a crash.
    public var crashed: Bool
    /// Selects errors that the process survived instead of crashes.
    public var errors: Bool
    /// Selects crashes with one of these signatures, or matching one of these globs; of sessions those with such a crash.
    public var signatures: [String]
    /// Selects crashes whose signature has one of these states, and sessions with such a crash. `Store.resolved` replaces
    /// them by ``currentSignatures``; the catalog alone does not know states, and selects nothing by them.
    public var signatureStates: [SignatureState] = []
    /// Selects crashes that have exactly one of these signatures now, and sessions with such a crash; nil for all. An
    /// empty list selects nothing. Unlike with ``signatures``, an earlier signature of a crash does not count.
    public var currentSignatures: [String]?
    /// Only sessions in these states.
    public var states: [SessionState]
    /// Only sessions whose container is expected to be gone after this time (ms since 1970).
    public var deadlineAfter: Int64?
    /// Most results; the newest are kept.
    public var limit: Int?

    /// Whether signatures or their states select.
    public var selectsBySignature: Bool {
        !signatures.isEmpty || !signatureStates.isEmpty || currentSignatures != nil
    }

    /// The same selection, whatever the signatures are.
    public var withoutSignatures: Selection {
        var selection = self
        (selection.signatures, selection.signatureStates, selection.currentSignatures) = ([], [], nil)
        return selection
    }

    /// A label's name and a glob over its value.
    public struct LabelMatch: Sendable, Equatable {
        /// The exact name.
        public var key: String
        /// The glob; `*` for any value.
        public var value: String

        /// Creates a match.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }

        /// Reads `name=glob`, or `name` for any value; nil when there is no name.
        public init?(parsing text: String) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first, !name.isEmpty else { return nil }
            self.init(key: String(name), value: parts.count > 1 ? String(parts[1]) : "*")
        }
    }

    /// Creates a selection; by default it selects everything.
    public init(
        sessions: [String] = [], images: [String] = [], tags: [String] = [], locations: [String] = [],
        labels: [LabelMatch] = [], since: Int64? = nil, until: Int64? = nil, crashed: Bool = false,
        errors: Bool = false, signatures: [String] = [], states: [SessionState] = [], limit: Int? = nil
    ) {
        self.sessions = sessions
        self.images = images
        self.tags = tags
        self.locations = locations
        self.labels = labels
        self.since = since
        self.until = until
        self.crashed = crashed
        self.errors = errors
        self.signatures = signatures
        self.states = states
        self.limit = limit
    }
}
