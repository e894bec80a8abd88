/// The documentation of one command, as help, completions and the manual print it.
struct CommandPage {
    let name: String
    let abstract: String
    let discussion: String
    let arguments: [ArgumentDescription]
    let flags: [FlagDescription]

    init<Definition: CommandDefinition>(definition command: Definition.Type) {
        name = command.name
        abstract = command.abstract
        discussion = command.discussion
        arguments = command.arguments.map(\.description)
        flags = command.allFlags.map(\.description)
    }

    /// The words after `salvage` on a usage line.
    var usage: String {
        let required = flags.filter(\.isRequired).map { "\($0.spelling) <\($0.value ?? "")>" }
        return ([name] + arguments.map(\.usage) + required + ["[<options>]"]).joined(separator: " ")
    }

    /// The headings of the flags in order, each with its flags.
    var sections: [(title: String, flags: [FlagDescription])] {
        var sections: [(title: String, flags: [FlagDescription])] = []
        for flag in flags {
            if let index = sections.firstIndex(where: { $0.title == flag.section }) {
                sections[index].flags.append(flag)
            } else {
                sections.append((flag.section, [flag]))
            }
        }
        return sections
    }
}

/// A word that stands before several commands, such as `crashes`.
struct CommandNoun: Sendable {
    let word: String
    let abstract: String
    var discussion = ""
    let commands: [CommandEntry]
    /// The command that runs if none is named.
    var standard: CommandEntry?
}
