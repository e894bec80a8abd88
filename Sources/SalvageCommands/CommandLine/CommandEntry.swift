/// One entry of the command table.
enum CommandEntry: Sendable {
    /// A command that runs on the calling thread.
    case query(any Command.Type)
    /// A command that waits for the network.
    case network(any AsyncCommand.Type)
    /// A word that stands before several commands.
    indirect case group(CommandNoun)

    /// The words that call it, such as `crashes top`.
    var name: String {
        switch self {
        case .query(let type): type.name
        case .network(let type): type.name
        case .group(let noun): noun.word
        }
    }

    /// The last word of the name.
    var word: String { name.split(separator: " ").last.map(String.init) ?? name }

    var abstract: String {
        switch self {
        case .query(let type): type.abstract
        case .network(let type): type.abstract
        case .group(let noun): noun.abstract
        }
    }

    /// The documentation of a command; nil for a word before several commands.
    var page: CommandPage? {
        switch self {
        case .query(let type): CommandPage(definition: type)
        case .network(let type): CommandPage(definition: type)
        case .group: nil
        }
    }

    var noun: CommandNoun? {
        if case .group(let noun) = self { return noun }
        return nil
    }
}
