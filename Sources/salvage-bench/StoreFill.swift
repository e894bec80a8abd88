import ArgumentParser
import Bytes
import Catalog
import Glibc
import Model
import Pack
import Text

/// `salvage-bench store`: fills a store with many small sessions, for the benchmarks of queries.
struct StoreFill: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Fill a store with sessions that have one log each.")

    @Option(help: "Number of sessions.") var sessions = 10_000
    @Option(help: "Bytes per log.") var bytes = 20_000
    @Option(help: "The store's folder.") var out: String
    @Option(help: "The seed.") var seed: UInt64 = 3

    func run() throws {
        makeFolder(out)
        let catalog = try Catalog.open(store: out)
        var random = SplitMix64(seed: seed)
        var batch: [PackContents] = []
        for index in 0..<sessions {
            let created = 1_763_600_000_000 + Int64(index) * 60_000
            var log = EngineLog(engine: index % 2 == 0 ? .unreal : .unity, seed: random.next(), start: created)
            batch.append(try pack("s\(1_000_000 + index)", created: created, content: log.take(bytes)))
            if batch.count == 500 || index == sessions - 1 {
                try catalog.commit(batch)
                batch.removeAll()
            }
        }
        try catalog.checkpoint()
    }

    private func pack(_ session: String, created: Int64, content: [UInt8]) throws -> PackContents {
        let relative = "packs/" + PackPath.relative(session: session, created: created)
        let path = out + "/" + relative
        makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        unlink(path)
        let descriptor = try PackFile.create(path: path)
        defer { close(descriptor) }
        var options = PackOptions(workers: 0)
        // As ingest does; `reindex` builds the filters from the text.
        options.filtersAside = true
        let writer = try PackWriter(descriptor: descriptor, options: options)
        try writer.beginMember(
            MemberHeader(path: Array("Saved/Logs/Game.log".utf8), kind: .log, mtime: created * 1_000_000))
        try content.withUnsafeBytes { try writer.append($0) }
        try writer.endMember()
        var facts = SessionMetadata(session: session, image: "arena", tag: "1.\(created % 7)", location: "frankfurt")
        facts.labels = ["mode": "duel"]
        facts.created = created
        facts.exited = created + 1_200_000
        facts.source = "ingest"
        let row = ArtifactEntry(artifact: "/game/Saved", state: .collected, tries: 1, bytes: UInt64(content.count))
        _ = try writer.finish(session: facts, artifacts: [row])
        return try PackContents(PackReader.open(path: path), path: relative)
    }
}
