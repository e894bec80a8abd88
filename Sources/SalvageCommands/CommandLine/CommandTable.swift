/// The table of all commands, for running them, for help, and for suggestions.
enum CommandTable {
    /// The commands in the order of the help page, under their headings.
    static let sections: [(title: String, entries: [CommandEntry])] = [
        ("Collect", [.network(HarvestOnce.self), .network(Watch.self), .query(IngestFiles.self)]),
        (
            "Query",
            [
                .query(Sessions.self), .query(Show.self), .query(Why.self), .query(CoverageReport.self),
                .query(Grep.self), .group(Crashes.noun), .query(Crash.self), .query(Analyze.self),
            ]
        ),
        ("Retrieve data", [.query(ListFiles.self), .query(Cat.self), .query(Logs.self), .query(Export.self)]),
        ("Share and tell", [.network(Serve.self), .group(NotifyCommands.noun)]),
        ("Call the API", [.group(API.noun)]),
        ("Symbols and signatures", [.group(Symbols.noun), .group(Signatures.noun)]),
        (
            "Maintain the store",
            [
                .query(Status.self), .network(Doctor.self), .query(Verify.self), .query(Reindex.self),
                .query(Prune.self), .query(Pin.self), .query(Backup.self), .query(Restore.self), .query(Migrate.self),
            ]
        ),
        ("Document the program", [.query(Completions.self), .query(Manual.self)]),
    ]

    /// Earlier names of commands, which still call them. Neither help nor completions list them.
    private static let aliases = ["resign": ["signatures", "refresh"]]

    /// The entries of the help page.
    static var entries: [CommandEntry] { sections.flatMap(\.entries) }

    /// The entries of the help page, each word followed by its commands.
    static var all: [CommandEntry] { entries.flatMap { [$0] + ($0.noun?.commands ?? []) } }

    /// The first words of all commands.
    static var names: [String] { entries.map(\.name) }

    /// Returns the entry that a first word names.
    static func entry(_ word: String) -> CommandEntry? {
        for section in sections {
            for entry in section.entries where entry.name == word { return entry }
        }
        return nil
    }

    /// Returns the entry that the words call, and the words after its name; nil if there is none.
    static func find(_ words: [String]) -> (entry: CommandEntry, rest: ArraySlice<String>)? {
        guard let first = words.first else { return nil }
        if let name = aliases[first] { return find(name + words.dropFirst()) }
        guard let entry = entry(first) else { return nil }
        guard let noun = entry.noun else { return (entry, words.dropFirst()) }
        if words.count > 1, let command = noun.commands.first(where: { $0.word == words[1] }) {
            return (command, words.dropFirst(2))
        }
        return (entry, words.dropFirst())
    }
}
