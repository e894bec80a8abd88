import ArgumentParser

/// Every command once: the help groups, the names for did-you-mean, and the two-word commands.
enum CommandTable {
    /// A command under the word that calls it. The words stand here because asking the types for them costs a query
    /// more than its work does.
    typealias Entry = (word: String, type: any ParsableCommand.Type)

    private static let sections: [(title: String, entries: [Entry])] = [
        ("Collect", [("harvest", HarvestOnce.self), ("watch", Watch.self), ("ingest", IngestFiles.self)]),
        (
            "Ask",
            [
                ("sessions", Sessions.self), ("show", Show.self), ("why", Why.self), ("coverage", CoverageReport.self),
                ("grep", Grep.self), ("crashes", Crashes.self), ("crash", Crash.self),
                ("analyze", Analyze.self),
            ]
        ),
        ("Get at bytes", [("files", Files.self), ("cat", Cat.self), ("logs", Logs.self), ("export", Export.self)]),
        ("Talk to the API", [("api", API.self)]),
        ("Symbols and signatures", [("symbols", Symbols.self), ("resign", Resign.self)]),
        (
            "Look after the store",
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

    /// The words of all commands.
    static let names: [String] = sections.flatMap { $0.entries.map(\.word) }

    /// Commands that wait for the network.
    private static let asynchronous: Set<String> = ["harvest", "watch", "api", "doctor"]

    /// Whether a command holds the API's token in memory.
    static func holdsToken(_ word: String) -> Bool { asynchronous.contains(word) }

    /// The command of one word that neither waits nor has commands of its own; nil for others.
    static func query(named word: String) -> (any ParsableCommand.Type)? {
        guard nested[word] == nil, !asynchronous.contains(word) else { return nil }
        for section in sections {
            for entry in section.entries where entry.word == word { return entry.type }
        }
        return nil
    }

    /// Commands that have commands of their own.
    static let nested: [String: Set<String>] = [
        "api": API.operations,
        "crashes": ["list", "top", "diff"],
        "symbols": ["add", "list", "missing"],
    ]
}
