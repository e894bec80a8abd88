import Terminal

/// A command: its documentation, the tables of its arguments and flags, and the options that they set.
///
/// The options are the stored properties of the command, each with its default value. `CommandTable` lists the commands.
protocol CommandDefinition: SendableMetatype {
    /// The words that call the command, such as `crashes top`.
    static var name: String { get }
    /// What the command does, one sentence.
    static var abstract: String { get }
    /// What help and the manual add to it; may be empty.
    static var discussion: String { get }
    /// The arguments that are not flags, in order.
    static var arguments: [CommandArgument<Self>] { get }
    /// The flags, except for the global ones.
    static var flags: [CommandFlag<Self>] { get }

    /// The flags that all commands have.
    var options: GlobalOptions { get set }

    /// Creates the command with the default of every option.
    init()

    /// Checks options against each other after all are set. Throws a usage error.
    func validate() throws
}

/// A command that runs on the calling thread.
protocol Command: CommandDefinition {
    /// Runs the command.
    func run() throws
}

/// A command that waits for the network.
protocol AsyncCommand: CommandDefinition {
    /// Runs the command.
    func run() async throws
}

extension CommandDefinition {
    static var discussion: String { "" }
    static var arguments: [CommandArgument<Self>] { [] }
    static var flags: [CommandFlag<Self>] { [] }

    func validate() throws {}

    /// All flags, the global ones last.
    static var allFlags: [CommandFlag<Self>] { flags + GlobalOptions.flags.under("Global").within(\.options) }

    /// Reads the words after the command's name. Returns nil if they request help.
    /// - Throws: a `Failure` with the exit code for usage errors.
    static func read(_ words: [String]) throws -> Self? {
        let (flags, arguments) = (allFlags, arguments)
        var scan = ArgumentScan(
            command: name, flags: flags.map(\.description), arguments: arguments.map(\.description))
        guard let found = try scan.run(words) else { return nil }
        var command = Self()
        for item in found {
            do {
                switch item.target {
                case .flag(let index): try flags[index].apply(&command, item.value)
                case .argument(let index): try arguments[index].apply(&command, item.value)
                }
            } catch let bad as BadValue {
                throw Failure.usage("invalid value '\(item.value)' for \(item.spelling)", hint: bad.hint)
            }
        }
        if command.options.utc { DisplayZone.useUTC() }
        command.options.isPaged = Paging.applies(to: name)
        if command.options.json, !command.options.columns.isEmpty {
            throw Failure.usage(
                "--columns chooses columns of a table; --json prints every field", hint: "leave out one of the two",
                code: "conflicting_flags")
        }
        try command.validate()
        return command
    }
}

extension Failure {
    /// A mistake on the command line.
    static func usage(_ message: String, hint: String?, code: String = "usage") -> Failure {
        Failure(code, message, hint: hint, status: .usage)
    }
}
