/// The ledger state of one artifact.
public enum ArtifactState: String, Codable, Sendable, Hashable {
    case pending, collected, incomplete, absent, skipped, failed, lost
}
