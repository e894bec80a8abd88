/// What a shell offers as the value of a flag or argument.
enum ValueCompletion {
    case none
    case file
    case folder
    case words([String])
}

/// How often a flag may be given.
enum FlagOccurrence {
    /// A second value is a mistake: a query about two builds would silently answer for one.
    case once
    /// The last value wins, as in ripgrep, so that a shell alias can be overridden.
    case lastWins
    /// All values count.
    case collects
}

/// The names and the documentation of one flag.
struct FlagDescription {
    /// The name after `--`; nil for a flag that has only a short name.
    var long: String?
    /// The letter after `-`.
    var short: Character?
    /// The placeholder of the value in help texts; nil for a flag without a value.
    var value: String?
    /// One or two sentences for help, completions and the manual.
    var help: String
    /// The heading under which help lists the flag.
    var section = "Options"
    var occurrence = FlagOccurrence.lastWins
    var completion = ValueCompletion.none
    /// Whether the next argument is the value even if it begins with a dash.
    var acceptsDash = false
    /// The value of the flag when it is given without one; then only `--flag=value` gives another.
    var bareValue: String?
    /// Whether the command needs the flag.
    var isRequired = false

    /// The spellings of the flag, the short one first.
    var spellings: [String] { (short.map { ["-\($0)"] } ?? []) + (long.map { ["--\($0)"] } ?? []) }

    /// The spelling for messages: the long one if there is one.
    var spelling: String { spellings.last ?? "" }
}

/// One flag of a command: names, documentation and its effect on the command's options.
///
/// Parsing, help, completions and the manual all read the same table, so a flag is added in one place.
struct CommandFlag<Options> {
    var description: FlagDescription
    /// Applies the flag. The text is its value, empty for a flag without one. Throws `BadValue`, or a `Failure`.
    let apply: (inout Options, String) throws -> Void

    /// A flag without a value.
    static func toggle(
        _ long: String?, _ short: Character? = nil, _ help: String, set: @escaping (inout Options) -> Void
    ) -> Self {
        CommandFlag(description: FlagDescription(long: long, short: short, help: help)) { options, _ in set(&options) }
    }

    /// A flag with one value.
    static func text(
        _ long: String, _ short: Character? = nil, value: String, _ help: String,
        completion: ValueCompletion = .none, bareValue: String? = nil, isRequired: Bool = false,
        set: @escaping (inout Options, String) -> Void
    ) -> Self {
        CommandFlag(
            description: FlagDescription(
                long: long, short: short, value: value, help: help, occurrence: .once, completion: completion,
                bareValue: bareValue, isRequired: isRequired),
            apply: set)
    }

    /// A flag whose values add up.
    static func texts(
        _ long: String, _ short: Character? = nil, value: String, _ help: String,
        completion: ValueCompletion = .none, acceptsDash: Bool = false,
        add: @escaping (inout Options, String) -> Void
    ) -> Self {
        CommandFlag(
            description: FlagDescription(
                long: long, short: short, value: value, help: help, occurrence: .collects, completion: completion,
                acceptsDash: acceptsDash),
            apply: add)
    }

    /// A flag with an integer.
    static func number(
        _ long: String, _ short: Character? = nil, value: String, _ help: String,
        occurrence: FlagOccurrence = .once, set: @escaping (inout Options, Int) -> Void
    ) -> Self {
        CommandFlag(
            description: FlagDescription(long: long, short: short, value: value, help: help, occurrence: occurrence)
        ) { options, text in
            guard let number = Int(text) else { throw BadValue(hint: "write a whole number") }
            set(&options, number)
        }
    }

    /// A flag whose value is one of a few words.
    static func choice<Word: RawRepresentable<String> & CaseIterable>(
        _ long: String, value: String, _ help: String, occurrence: FlagOccurrence = .once,
        set: @escaping (inout Options, Word) -> Void
    ) -> Self {
        let words = Word.allCases.map(\.rawValue)
        let description = FlagDescription(
            long: long, value: value, help: help + " (values: \(words.joined(separator: ", ")))",
            occurrence: occurrence, completion: .words(words))
        return CommandFlag(description: description) { options, text in
            guard let word = Word(rawValue: text) else {
                throw BadValue(hint: "one of: " + words.joined(separator: ", "))
            }
            set(&options, word)
        }
    }

    /// The flag of a group of options, as a flag of the command that contains the group.
    func within<Outer>(_ group: WritableKeyPath<Outer, Options>) -> CommandFlag<Outer> {
        CommandFlag<Outer>(description: description) { try apply(&$0[keyPath: group], $1) }
    }
}

extension Array {
    /// The flags under another heading.
    func under<Options>(_ section: String) -> Self where Element == CommandFlag<Options> {
        map { flag in
            var flag = flag
            flag.description.section = section
            return flag
        }
    }

    /// The flags of a group of options, as flags of the command that contains the group.
    func within<Options, Outer>(_ group: WritableKeyPath<Outer, Options>) -> [CommandFlag<Outer>]
    where Element == CommandFlag<Options> { map { $0.within(group) } }
}

/// A value that a flag or argument does not accept.
struct BadValue: Error {
    /// How the value is written.
    let hint: String
}
