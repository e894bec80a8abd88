/// What somebody may do on the server.
public enum ServerRole: String, CaseIterable, Sendable {
    /// See sessions, crashes, logs and files.
    case read
    /// Decide about signatures.
    case triage
    /// Add symbols.
    case upload
}
