/// The state of a session in the ledger.
public enum SessionState: String, Sendable, Codable, CaseIterable {
    /// The API lists it, and it has not ended.
    case running
    /// It has ended; something is still to be fetched.
    case pending
    /// Everything requested that exists was collected.
    case harvested
    /// Some artifacts are missing or incomplete.
    case partial
    /// The sampling rule excluded all artifacts.
    case skipped
    /// Nothing was collected, and nothing can be fetched any more.
    case lost

    /// Whether no more requests are made for it.
    public var isFinal: Bool { self != .running && self != .pending }

    /// Derives a session's state from its artifacts' states; `harvested` without artifacts.
    public static func derived(from artifacts: some Collection<ArtifactState>) -> SessionState {
        guard !artifacts.isEmpty else { return .harvested }
        if artifacts.contains(.pending) { return .pending }
        if artifacts.allSatisfy({ $0 == .skipped }) { return .skipped }
        let missing = artifacts.contains { $0 == .incomplete || $0 == .failed || $0 == .lost }
        guard missing else { return .harvested }
        let kept = artifacts.contains { $0 == .collected || $0 == .incomplete }
        return kept || !artifacts.contains(.lost) ? .partial : .lost
    }

    /// Why a session is in this state: the first of its artifacts that explains it, with its reason. Nil for `harvested`.
    package func reason(
        from artifacts: some Sequence<(artifact: String, state: ArtifactState, reason: String?)>
    ) -> String? {
        guard self != .harvested else { return nil }
        let wanted: [ArtifactState] = self == .skipped ? [.skipped] : [.lost, .failed, .incomplete, .pending]
        guard let worst = artifacts.first(where: { wanted.contains($0.state) }) else { return nil }
        return "\(worst.artifact): \(worst.reason ?? worst.state.rawValue)"
    }
}
