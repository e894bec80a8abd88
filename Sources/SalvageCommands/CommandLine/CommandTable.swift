import ArgumentParser

/// The table of all commands, for running them, for help, and for suggestions.
enum CommandTable {
    /// The commands in the order of the help page, under their headings.
    static var sections: [(title: String, entries: [CommandEntry])] {
        [
            (
                "Collect",
                [
                    .parsed("harvest", HarvestOnce.self), .parsed("watch", Watch.self),
                    .parsed("ingest", IngestFiles.self),
                ]
            ),
            (
                "Query",
                [
                    .parsed("sessions", Sessions.self), .parsed("show", Show.self), .parsed("why", Why.self),
                    .parsed("coverage", CoverageReport.self), .query(Grep.self), .parsed("crashes", Crashes.self),
                    .parsed("crash", Crash.self), .parsed("analyze", Analyze.self),
                ]
            ),
            (
                "Retrieve data",
                [
                    .parsed("files", Files.self), .parsed("cat", Cat.self), .query(Logs.self),
                    .parsed("export", Export.self),
                ]
            ),
            ("Call the API", [.parsed("api", API.self)]),
            ("Symbols and signatures", [.parsed("symbols", Symbols.self), .parsed("resign", Resign.self)]),
            (
                "Maintain the store",
                [
                    .parsed("status", Status.self), .parsed("doctor", Doctor.self), .parsed("verify", Verify.self),
                    .parsed("reindex", Reindex.self), .parsed("prune", Prune.self), .parsed("pin", Pin.self),
                    .parsed("backup", Backup.self), .parsed("restore", Restore.self),
                ]
            ),
            ("Document the program", [.query(Completions.self), .query(Manual.self)]),
        ]
    }

    /// The entries of the help page.
    static var entries: [CommandEntry] { sections.flatMap(\.entries) }

    /// The entries of the help page, each word followed by its commands.
    static var all: [CommandEntry] { entries.flatMap { [$0] + ($0.noun?.commands ?? []) } }

    /// The first words of all commands.
    static var names: [String] { entries.map(\.name) }

    /// The types that the argument parser reads.
    static var parsed: [any ParsableCommand.Type] {
        entries.compactMap { if case .parsed(_, let type) = $0 { type } else { nil } }
    }

    /// Returns the entry that the words call, and the words after its name; nil if there is none.
    static func find(_ words: [String]) -> (entry: CommandEntry, rest: ArraySlice<String>)? {
        guard let first = words.first, let entry = entries.first(where: { $0.name == first }) else { return nil }
        guard let noun = entry.noun else { return (entry, words.dropFirst()) }
        if words.count > 1, let command = noun.commands.first(where: { $0.word == words[1] }) {
            return (command, words.dropFirst(2))
        }
        return (entry, words.dropFirst())
    }

    /// Commands that wait for the network.
    private static let asynchronous: Set<String> = ["harvest", "watch", "api", "doctor"]

    /// Whether a command holds the API's token in memory.
    static func holdsToken(_ word: String) -> Bool { asynchronous.contains(word) }

    /// The words that stand before several commands.
    static let nested: [String: Set<String>] = [
        "api": API.operations,
        "crashes": ["list", "top", "diff"],
        "symbols": ["add", "list", "missing"],
    ]
}
