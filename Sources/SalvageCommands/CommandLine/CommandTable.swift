import ArgumentParser

/// The table of all commands, for the help groups, the suggestions for mistyped names, and the two-word commands.
enum CommandTable {
    /// A command and its name. The names are repeated here because reading them from the types takes longer than a
    /// query.
    typealias Entry = (word: String, type: any ParsableCommand.Type)

    private static let sections: [(title: String, entries: [Entry])] = [
        ("Collect", [("harvest", HarvestOnce.self), ("watch", Watch.self), ("ingest", IngestFiles.self)]),
        (
            "Query",
            [
                ("sessions", Sessions.self), ("show", Show.self), ("why", Why.self), ("coverage", CoverageReport.self),
                ("grep", Grep.self), ("crashes", Crashes.self), ("crash", Crash.self),
                ("analyze", Analyze.self),
            ]
        ),
        ("Retrieve data", [("files", Files.self), ("cat", Cat.self), ("logs", Logs.self), ("export", Export.self)]),
        ("Call the API", [("api", API.self)]),
        ("Symbols and signatures", [("symbols", Symbols.self), ("resign", Resign.self)]),
        (
            "Maintain the store",
            [
                ("status", Status.self), ("doctor", Doctor.self), ("verify", Verify.self), ("reindex", Reindex.self),
                ("prune", Prune.self), ("pin", Pin.self), ("backup", Backup.self), ("restore", Restore.self),
            ]
        ),
    ]

    /// The help groups.
    static var groups: [CommandGroup] {
        sections.map { CommandGroup(name: $0.title, subcommands: $0.entries.map(\.type)) }
    }

    /// The names of all commands.
    static let names: [String] = sections.flatMap { $0.entries.map(\.word) }

    /// Commands that wait for the network.
    private static let asynchronous: Set<String> = ["harvest", "watch", "api", "doctor"]

    /// Whether a command holds the API's token in memory.
    static func holdsToken(_ word: String) -> Bool { asynchronous.contains(word) }

    /// The command with this name; nil if it waits for the network or has subcommands.
    static func query(named word: String) -> (any ParsableCommand.Type)? {
        guard nested[word] == nil, !asynchronous.contains(word) else { return nil }
        for section in sections {
            for entry in section.entries where entry.word == word { return entry.type }
        }
        return nil
    }

    /// The commands that have subcommands.
    static let nested: [String: Set<String>] = [
        "api": API.operations,
        "crashes": ["list", "top", "diff"],
        "symbols": ["add", "list", "missing"],
    ]
}
