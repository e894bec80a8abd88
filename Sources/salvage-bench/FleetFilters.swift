import ArgumentParser
import Clocks
import Store

/// `salvage-bench filters`: writes and compacts the filters of a shared store until nothing is left to do.
struct FleetFilters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filters", abstract: "Write and compact the filters of a shared store.")

    @Option(help: "The store's address, postgres://….") var store: String
    @Option(help: "Milliseconds to add to the clock, so that hours and days are over.") var later: Int64 = 0

    func run() throws {
        let upkeep = try FilterUpkeep(try Store(store, readOnly: false), maker: "bench")
        while true {
            let outcome = try upkeep.perform(now: WallClock.now() + later, patience: 0) { true }
            print(
                "replaced \(outcome.replaced), written \(outcome.written), filtered \(outcome.filtered), "
                    + "debt \(outcome.debt)")
            for problem in outcome.problems { print("problem: \(problem)") }
            if outcome.replaced == 0, outcome.filtered == 0 { return }
        }
    }
}
