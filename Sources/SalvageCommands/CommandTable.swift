import ArgumentParser

/// Every command once: the help groups, the names for did-you-mean, and the two-word commands.
enum CommandTable {
    static let groups: [CommandGroup] = [
        CommandGroup(name: "Collect", subcommands: [HarvestOnce.self, Watch.self, IngestFiles.self]),
        CommandGroup(
            name: "Ask",
            subcommands: [Sessions.self, Show.self, Why.self, CoverageReport.self, Grep.self, Crashes.self, Crash.self]),
        CommandGroup(name: "Get at bytes", subcommands: [Files.self, Cat.self, Logs.self, Export.self]),
        CommandGroup(name: "Talk to the API", subcommands: [API.self]),
        CommandGroup(name: "Look after the store", subcommands: [Status.self, Verify.self, Reindex.self]),
    ]

    /// The names of all commands.
    static let names: [String] = groups.flatMap { group in
        group.subcommands.compactMap { $0.configuration.commandName ?? $0._commandName }
    }

    /// The command of one word that has no commands of its own; nil for others.
    static func command(named word: String) -> (any ParsableCommand.Type)? {
        guard nested[word] == nil else { return nil }
        for group in groups {
            for type in group.subcommands where (type.configuration.commandName ?? type._commandName) == word {
                return type
            }
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
