import Terminal

/// `salvage completions`: a completion script for a shell.
struct Completions: Command {
    static var name: String { "completions" }
    static var abstract: String { "Print the completion script of a shell." }
    static var discussion: String {
        """
        For example in ~/.bashrc: source <(salvage completions bash). fish reads \
        ~/.config/fish/completions/salvage.fish.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        let words = CompletionScript.Shell.allCases.map(\.rawValue)
        return [
            .one("shell", "bash, zsh or fish.", completion: .words(words)) {
                guard let shell = CompletionScript.Shell(rawValue: $1) else {
                    throw BadValue(hint: "one of: " + words.joined(separator: ", "))
                }
                $0.shell = shell
            }
        ]
    }

    var shell = CompletionScript.Shell.bash
    var options = GlobalOptions()

    func run() throws {
        let output = Output(options)
        output.sink.write(CompletionScript.text(shell))
        try output.finish()
    }
}

/// `salvage man`: the manual.
struct Manual: Command {
    static var name: String { "man" }
    static var abstract: String { "Print the manual in the format of man pages." }
    static var discussion: String { "To read it: salvage man | man -l -" }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle(
                "json-fields", nil, "Print the fields of every --json object as Markdown, as in docs/json.md, instead."
            ) {
                $0.jsonFields = true
            }
        ]
    }

    var jsonFields = false
    var options = GlobalOptions()

    func run() throws {
        let output = Output(options)
        output.sink.write(jsonFields ? JSONReference.markdown() : ManualPage.text())
        try output.finish()
    }
}
