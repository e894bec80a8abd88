/// What a signature is based on.
public enum SignatureQuality: String, Codable, Sendable {
    /// Function names.
    case symbol
    /// The text of a message.
    case message
    /// Module and offset; changes with every build.
    case offset
    /// Nothing but the kind of crash.
    case none
}
