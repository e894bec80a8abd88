import ArgumentParser

/// Generates benchmark inputs and times commands against their peers; driven by `scripts/bench`.
@main
struct SalvageBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage-bench",
        abstract: "Seeded inputs and side-by-side timings for scripts/bench.",
        subcommands: [
            Corpus.self, Tree.self, StoreFill.self, ListDecoding.self, CleanLogs.self, CrashStore.self, CoreTiming.self,
            Compare.self, FleetFilters.self,
        ])
}
