/// Renders `--help` from the tables.
enum HelpText {
    private static let width = 80
    private static let column = 26

    /// The help of one command.
    static func text(_ page: CommandPage) -> String {
        var text = "OVERVIEW: \(wrapped(page.abstract, first: 10))\n"
        if !page.discussion.isEmpty { text += "\n\(paragraphs(page.discussion))\n" }
        text += "\nUSAGE: salvage \(page.usage)\n"
        if !page.arguments.isEmpty {
            text += "\nARGUMENTS:\n"
            for argument in page.arguments { text += row("<\(argument.name)>", argument.help) }
        }
        for section in page.sections {
            text += "\n\(section.title.uppercased()):\n"
            for flag in section.flags { text += row(label(flag), flag.help) }
        }
        return text + row("-h, --help", "Show help information.")
    }

    /// The help of a word that stands before several commands.
    static func text(_ noun: CommandNoun) -> String {
        var text = "OVERVIEW: \(wrapped(noun.abstract, first: 10))\n"
        if !noun.discussion.isEmpty { text += "\n\(paragraphs(noun.discussion))\n" }
        text += "\nUSAGE: salvage \(noun.word) <subcommand>\n"
        let standard = noun.standard?.page
        if standard != nil { text += "       salvage \(noun.word) [<options>]\n" }
        text += "\nSUBCOMMANDS:\n"
        for entry in noun.commands {
            let isStandard = noun.standard?.name == entry.name
            text += row(entry.word + (isStandard ? " (default)" : ""), entry.abstract)
        }
        // Who asks for the help of `crashes` wants to know what `crashes` itself takes.
        for section in standard?.sections ?? [] {
            text += "\n\(section.title.uppercased()):\n"
            for flag in section.flags { text += row(label(flag), flag.help) }
        }
        return text + "\n  See 'salvage help \(noun.word) <subcommand>' for detailed help.\n"
    }

    /// The help of the program.
    static func program() -> String {
        var text = "OVERVIEW: \(wrapped(ProgramText.abstract, first: 10))\n\n\(paragraphs(ProgramText.discussion))\n"
        text += "\nUSAGE: salvage <subcommand>\n\nOPTIONS:\n"
        text += row("--version", "Show the version.") + row("-h, --help", "Show help information.")
        for section in CommandTable.sections {
            text += "\n\(section.title.uppercased()) SUBCOMMANDS:\n"
            for entry in section.entries { text += row(entry.word, entry.abstract) }
        }
        return text + "\n  See 'salvage help <subcommand>' for detailed help.\n"
    }

    /// The names of a flag with the placeholder of its value.
    static func label(_ flag: FlagDescription) -> String {
        flag.spellings.joined(separator: ", ") + (flag.value.map { " <\($0)>" } ?? "")
    }

    private static func row(_ label: String, _ help: String) -> String {
        let indent = String(repeating: " ", count: column)
        var text = "  \(label)"
        if text.count + 1 < column {
            text += String(repeating: " ", count: column - text.count)
        } else {
            text += "\n" + indent
        }
        return text + wrapped(help, first: column, indent: indent) + "\n"
    }

    /// Breaks lines at the width of the page; indented lines are examples and stay whole.
    private static func paragraphs(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix(" ") ? String($0) : wrapped(String($0)) }.joined(separator: "\n")
    }

    /// Breaks a text into lines.
    /// - Parameters:
    ///   - first: the number of columns taken on the first line.
    ///   - indent: what stands before each further line.
    private static func wrapped(_ text: String, first: Int = 0, indent: String = "") -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            let taken = lines.isEmpty ? first : indent.count
            if !line.isEmpty, taken + line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return (lines + [line]).joined(separator: "\n" + indent)
    }
}
