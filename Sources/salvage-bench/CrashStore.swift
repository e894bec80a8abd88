import ArgumentParser
import Bytes
import Catalog
import Clocks
import CrashAnalysis
import Glibc
import Model
import Pack

/// `salvage-bench crashes`: fills a catalog with crash records, for the benchmark of `crashes top`.
struct CrashStore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crashes", abstract: "Fill a catalog with crash records, without packs.")

    @Option(help: "Number of crashes.") var count = 100_000
    @Option(help: "Number of signatures.") var signatures = 500
    @Option(help: "The store's folder.") var out: String
    @Option(help: "The seed.") var seed: UInt64 = 5

    private static let day: Int64 = 86_400_000

    func run() throws {
        makeFolder(out)
        let catalog = try Catalog.open(store: out)
        var random = SplitMix64(seed: seed)
        var batch: [PackContents] = []
        let now = WallClock.now() / 1000 * 1000
        for index in 0..<count {
            let at = now - Int64(random.below(30)) * Self.day - Int64(random.below(Int(Self.day)))
            let session = "s\(1_000_000 + index)"
            var facts = SessionMetadata(
                session: session, image: ["arena", "shooter", "racer"][random.below(3)], tag: "1.\(random.below(20))",
                location: ["frankfurt", "us-east", "us-west", "tokyo", "sydney"][random.below(5)])
            facts.created = at - 1_200_000
            facts.exited = at
            facts.state = "harvested"
            // A few bugs are frequent, most are rare.
            let bug = min(random.below(signatures), random.below(signatures), random.below(signatures))
            batch.append(
                PackContents(
                    facts: facts, crashes: [record(session, at: at, bug: bug, &random)],
                    path: "packs/none/\(session).pack"))
            if batch.count == 1000 || index == count - 1 {
                try catalog.commit(batch)
                batch.removeAll()
            }
        }
        try catalog.checkpoint()
    }

    private func record(_ session: String, at: Int64, bug: Int, _ random: inout SplitMix64) -> [UInt8] {
        var record = CrashRecord(kind: "elf_core")
        record.crash = "c-" + session
        record.signal = "SIGSEGV"
        record.exception = "SEGV_MAPERR"
        record.thread = 4711
        record.threadName = "GameThread"
        for depth in 0..<12 {
            var frame = CrashFrame(index: depth, trust: depth == 0 ? .context : .cfi)
            frame.module = "server"
            frame.offset = Address(UInt64(random.below(1 << 24)))
            frame.buildID = "40372fbe1d55e5413f956ad089af4d92e2648df0"
            if depth < 11 { frame.function = "Game::System\(bug)::step\(depth)(World&, float)" }
            frame.file = "/src/game/System\(bug).cpp"
            frame.line = 100 + depth
            record.frames.append(frame)
        }
        for index in 0..<12 {
            var module = CrashModule(
                name: "lib\(index).so", path: "/usr/lib/x86_64-linux-gnu/lib\(index).so",
                base: Address(0x7f00_0000_0000 + UInt64(index) << 24), size: 1 << 22)
            module.buildID = "93ac61ec5a8eb1396f9fbd350e3169a558528a\(10 + index)"
            record.modules.append(module)
        }
        SignatureAlgorithm.sign(&record)
        return record.json()
    }
}
