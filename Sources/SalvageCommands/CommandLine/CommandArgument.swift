/// The name and the documentation of an argument that is not a flag.
struct ArgumentDescription {
    /// How often the argument is given.
    enum Count {
        case one
        case optional
        case any
        case several
    }

    /// The placeholder in help texts.
    var name: String
    /// One sentence for help, completions and the manual.
    var help: String
    var count: Count
    var completion: ValueCompletion

    /// The placeholder as a usage line shows it.
    var usage: String {
        switch count {
        case .one: "<\(name)>"
        case .optional: "[<\(name)>]"
        case .any: "[<\(name)> ...]"
        case .several: "<\(name)> ..."
        }
    }

    /// Whether the argument takes all words that follow.
    var takesRest: Bool { count == .any || count == .several }
    /// Whether the command needs at least one.
    var isRequired: Bool { count == .one || count == .several }
}

/// An argument of a command that is not a flag. Arguments are assigned in the order of the command's table.
struct CommandArgument<Options> {
    let description: ArgumentDescription
    /// Takes one word. Throws `BadValue`, or a `Failure`.
    let apply: (inout Options, String) throws -> Void

    /// An argument that must be given.
    static func one(
        _ name: String, _ help: String, completion: ValueCompletion = .none,
        set: @escaping (inout Options, String) throws -> Void
    ) -> Self {
        Self(
            description: ArgumentDescription(name: name, help: help, count: .one, completion: completion), apply: set)
    }

    /// The session that a command is about.
    static func session(set: @escaping (inout Options, String) -> Void) -> Self {
        .one("session", sessionHelp, set: set)
    }

    /// The session that a command is about; without it, the latest.
    static func latestSession(set: @escaping (inout Options, String) -> Void) -> Self {
        .optional("session", sessionHelp + " Without it, the latest that crashed, else the latest.", set: set)
    }

    private static var sessionHelp: String {
        "The session: its id, the id of one of its crashes, or a unique prefix of either."
    }

    /// An argument that may be left out.
    static func optional(
        _ name: String, _ help: String, completion: ValueCompletion = .none,
        set: @escaping (inout Options, String) throws -> Void
    ) -> Self {
        Self(
            description: ArgumentDescription(name: name, help: help, count: .optional, completion: completion),
            apply: set)
    }

    /// The last argument of a command, which may be repeated.
    static func list(
        _ name: String, _ help: String, isRequired: Bool = false, completion: ValueCompletion = .none,
        add: @escaping (inout Options, String) throws -> Void
    ) -> Self {
        Self(
            description: ArgumentDescription(
                name: name, help: help, count: isRequired ? .several : .any, completion: completion),
            apply: add)
    }
}
