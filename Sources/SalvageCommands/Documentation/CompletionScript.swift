/// Renders completion scripts of shells from the tables.
enum CompletionScript {
    /// The shells with a script.
    enum Shell: String, CaseIterable {
        case bash, zsh, fish
    }

    static func text(_ shell: Shell) -> String {
        switch shell {
        case .bash: bash
        // zsh runs bash's completions in its compatibility mode.
        case .zsh: "#compdef salvage\nautoload -U +X bashcompinit && bashcompinit\n" + bash
        case .fish: fish
        }
    }

    /// A command with the words that call it.
    private static var pages: [CommandPage] { CommandTable.all.compactMap(\.page) }

    private static var nouns: [CommandNoun] { CommandTable.all.compactMap(\.noun) }

    private static var bash: String {
        var cases = ""
        for page in CompletionScript.pages {
            let flags = page.flags.flatMap(\.spellings) + ["-h", "--help"]
            cases += "    '\(page.name)')\n        flags='\(flags.joined(separator: " "))'\n"
            cases += "        case \"$previous\" in\n"
            for flag in page.flags where flag.value != nil {
                cases += "            \(flag.spellings.joined(separator: "|"))) \(action(flag.completion)); return ;;\n"
            }
            cases += "            *) ;;\n        esac\n"
            cases += "        other=\(quoted(action(page.arguments.last?.completion ?? .none))) ;;\n"
        }
        var nested = ""
        for noun in nouns {
            nested += "        \(noun.word)) words='\(noun.commands.map(\.word).joined(separator: " "))' ;;\n"
        }
        let words = (CommandTable.names + ["help"]).joined(separator: " ")
        return """
            _salvage() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
                local command=${COMP_WORDS[1]} words='' flags='' other=:
                COMPREPLY=()
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W '\(words) --help --version' -- "$current"))
                    return
                fi
                case "$command" in
            \(nested)        help) words='\(words)' ;;
                    *) ;;
                esac
                if [ -n "$words" ]; then
                    if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "$words" -- "$current")); return; fi
                    command="$command ${COMP_WORDS[2]}"
                fi
                case "$command" in
            \(cases)    *) ;;
                esac
                case "$current" in
                    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
                    *) eval "$other" ;;
                esac
            }
            complete -F _salvage salvage

            """
    }

    private static func action(_ completion: ValueCompletion) -> String {
        switch completion {
        case .none: ":"
        case .file: "COMPREPLY=($(compgen -f -- \"$current\"))"
        case .folder: "COMPREPLY=($(compgen -d -- \"$current\"))"
        case .words(let words): "COMPREPLY=($(compgen -W '\(words.joined(separator: " "))' -- \"$current\"))"
        }
    }

    private static var fish: String {
        var lines = ["complete -c salvage -f"]
        let words = CommandTable.names.joined(separator: " ")
        for entry in CommandTable.all where !entry.name.contains(" ") {
            let none = "not __fish_seen_subcommand_from \(words)"
            lines.append("complete -c salvage -n '\(none)' -a \(entry.word) -d \(quoted(entry.abstract))")
        }
        for noun in nouns {
            let only = noun.commands.map(\.word).joined(separator: " ")
            for entry in noun.commands {
                let test = "__fish_seen_subcommand_from \(noun.word); and not __fish_seen_subcommand_from \(only)"
                lines.append("complete -c salvage -n '\(test)' -a \(entry.word) -d \(quoted(entry.abstract))")
            }
        }
        for page in CompletionScript.pages {
            let test = page.name.split(separator: " ").map { "__fish_seen_subcommand_from \($0)" }
            let prefix = "complete -c salvage -n '\(test.joined(separator: "; and "))'"
            for flag in page.flags {
                var line = prefix
                if let short = flag.short { line += " -s \(short)" }
                if let long = flag.long { line += " -l \(long)" }
                if flag.value != nil { line += " -r" }
                switch flag.completion {
                case .none: break
                case .file: line += " -F"
                case .folder: line += " -a '(__fish_complete_directories)'"
                case .words(let words): line += " -a '\(words.joined(separator: " "))'"
                }
                lines.append(line + " -d \(quoted(flag.help))")
            }
            if case .file? = page.arguments.last?.completion { lines.append(prefix + " -F") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Text in single quotes, which bash and fish read alike if it contains no backslash.
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\"'\"'") + "'"
    }
}
