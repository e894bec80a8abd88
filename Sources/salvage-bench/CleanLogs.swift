import ArgumentParser
import Bytes
import Clocks
import CrashAnalysis
import Glibc
import Model
import Text

/// `salvage-bench clean-logs`: counts the crashes found in logs that contain none.
struct CleanLogs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean-logs",
        abstract: "Search generated logs without crashes, in memory; print false positives and speed.")

    @Option(help: "Total bytes.") var bytes = 10_000_000_000
    @Option(help: "Bytes per log.") var each = 64 << 20
    @Option(help: "The seed.") var seed: UInt64 = 11

    func run() throws {
        var random = SplitMix64(seed: seed)
        var (done, crashes, errors, logs) = (0, 0, 0, 0)
        var spent = 0.0
        let analyzer = CrashAnalyzer()
        while done < bytes {
            let engine = EngineLog.Engine.allCases[logs % EngineLog.Engine.allCases.count]
            var log = EngineLog(engine: engine, seed: random.next(), start: 1_763_600_000_000)
            let content = log.take(min(each, bytes - done))
            let begin = MonotonicClock.seconds()
            for record in analyzer.analyze(source: MemoryByteSource(content), name: "\(engine)-\(logs).log") {
                if record.isCrash { crashes += 1 } else { errors += 1 }
                print("\(engine)-\(logs).log at \(record.memberOffset ?? 0): \(record.kind) \(record.signature)")
            }
            spent += MonotonicClock.seconds() - begin
            done += content.count
            logs += 1
        }
        let rate = spent > 0 ? Double(done) / spent / 1e6 : 0
        let found = "\(counted(crashes, "crash", "crashes")), \(counted(errors, "error"))"
        print("\(counted(logs, "log")), \(counted(done, "byte")): \(found); \(Int(rate)) MB/s")
    }
}
