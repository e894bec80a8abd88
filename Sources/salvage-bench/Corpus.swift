import ArgumentParser
import Bytes

/// `salvage-bench corpus`: writes one log per session, for the grep benchmark.
struct Corpus: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write engine-like logs, one folder per session.")

    @Option(help: "Number of sessions.") var sessions = 2000
    @Option(help: "Total bytes.") var bytes = 1_700_000_000
    @Option(help: "The seed.") var seed: UInt64 = 1
    @Option(help: "The folder to fill.") var out: String

    func run() throws {
        var random = SplitMix64(seed: seed)
        let weights = (0..<sessions).map { _ in 0.1 + 2.9 * Double(random.below(1000)) / 1000 }
        let total = weights.reduce(0, +)
        for index in 0..<sessions {
            let engine: EngineLog.Engine =
                switch random.below(10) {
                case 0..<4: .unreal
                case 4..<6: .unity
                case 6..<8: .source
                default: .json
                }
            let folder = out + "/s" + String(100_000 + index) + "/Saved/Logs"
            makeFolder(folder)
            let file = OutputFile(folder + "/Game.log")
            var log = EngineLog(
                engine: engine, seed: random.next(), start: 1_763_600_000_000 + Int64(index) * 60_000)
            var left = Int(Double(bytes) * weights[index] / total)
            while left > 0 {
                let chunk = log.take(min(left, 1 << 20))
                file.write(chunk)
                left -= chunk.count
            }
        }
    }
}
