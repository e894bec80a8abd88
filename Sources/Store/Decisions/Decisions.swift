public import Model

extension Store {
    /// The selected signatures, most crashes first.
    public func signatures(_ selection: Selection, now: Int64) throws -> [SignatureOverview] { fatalError() }

    /// The signature that `name` means: its id, its text, a unique part of its text, a crash's id or a session's id.
    public func signature(named name: String, now: Int64) throws -> SignatureOverview { fatalError() }

    /// Adds a decision to the journal, synced, and returns the signature with it.
    public func decide(_ decision: Decision, now: Int64) throws -> SignatureOverview { fatalError() }

    /// The crashes of a session, and whether each is new or returned.
    public func novelty(ofCrashesIn session: String, now: Int64) throws -> [NovelCrash] { fatalError() }

    /// The builds of the selected sessions, the latest first.
    public func builds(_ selection: Selection, now: Int64) throws -> [BuildOverview] { fatalError() }
}
