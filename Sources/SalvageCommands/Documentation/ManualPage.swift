import Store

/// Renders the manual, `salvage.1`, from the tables.
enum ManualPage {
    static func text() -> String {
        var text =
            ".TH SALVAGE 1 \"\" \"salvage \(salvageVersion)\"\n.SH NAME\nsalvage \\- \(escaped(ProgramText.abstract))\n"
        text += ".SH SYNOPSIS\n.B salvage\n\\fIcommand\\fR [\\fIoptions\\fR]\n"
        text += ".SH DESCRIPTION\n" + body(ProgramText.discussion) + ".SH COMMANDS\n"
        for entry in CommandTable.all {
            guard let page = entry.page else { continue }
            text += ".SS \(escaped("salvage \(page.usage)"))\n\(escaped(page.abstract))\n"
            if !page.discussion.isEmpty { text += ".PP\n" + body(page.discussion) }
            for argument in page.arguments {
                text += ".TP\n\\fI\(escaped(argument.name))\\fR\n\(escaped(argument.help))\n"
            }
            for flag in page.flags where flag.section != "Global" {
                text += item(flag)
            }
        }
        text += ".SH GLOBAL OPTIONS\n"
        for flag in GlobalOptions.flags { text += item(flag.description) }
        return text
    }

    private static func item(_ flag: FlagDescription) -> String {
        let names = flag.spellings.map { "\\fB\(escaped($0))\\fR" }.joined(separator: ", ")
        return ".TP\n\(names)\(flag.value.map { " \\fI\(escaped($0))\\fR" } ?? "")\n\(escaped(flag.help))\n"
    }

    /// Paragraphs; indented lines are examples and keep their breaks.
    private static func body(_ text: String) -> String {
        var out = ""
        var isExample = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(" ") != isExample, !line.isEmpty {
                isExample.toggle()
                out += isExample ? ".nf\n" : ".fi\n"
            }
            out += line.isEmpty ? ".PP\n" : escaped(String(line)) + "\n"
        }
        return out + (isExample ? ".fi\n" : "")
    }

    /// Escapes what troff would interpret: backslashes, dashes, and a dot or quote at the start of a line.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "\\": out += "\\e"
            case "-": out += "\\-"
            case ".", "'": out += out.isEmpty ? "\\&\(character)" : String(character)
            default: out.append(character)
            }
        }
        return out
    }
}
