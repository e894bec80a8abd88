/// The result of one check of a machine or a store.
public struct Finding: Sendable, Equatable {
    /// How much attention a finding needs.
    public enum Grade: String, Sendable {
        /// All is well.
        case ok
        /// Worth knowing.
        case note
        /// Something will fail, or is lost, if nothing is done.
        case warning
        /// Something is broken.
        case failure
    }

    /// The name of the check.
    public let name: String
    /// How much attention it needs.
    public let grade: Grade
    /// What was found. It may contain text from containers and line breaks.
    public let message: String
    /// What to do about it, if anything.
    public let hint: String?

    /// Creates a finding.
    public init(name: String, grade: Grade, message: String, hint: String? = nil) {
        self.name = name
        self.grade = grade
        self.message = message
        self.hint = hint
    }

    /// All is well.
    public static func ok(_ name: String, _ message: String) -> Finding {
        Finding(name: name, grade: .ok, message: message)
    }

    /// Something worth knowing.
    public static func note(_ name: String, _ message: String, hint: String? = nil) -> Finding {
        Finding(name: name, grade: .note, message: message, hint: hint)
    }

    /// Something that will fail, or is lost, if nothing is done.
    public static func warning(_ name: String, _ message: String, hint: String? = nil) -> Finding {
        Finding(name: name, grade: .warning, message: message, hint: hint)
    }

    /// Something that is broken.
    public static func failure(_ name: String, _ message: String, hint: String? = nil) -> Finding {
        Finding(name: name, grade: .failure, message: message, hint: hint)
    }
}
