import Catalog
import Glibc
import Live
import LogSearch
import Model
import Pack
import Terminal

/// `salvage logs -f`: prints new lines of a followed log until its session has ended, as `docker logs -f` does.
struct LogsFollower {
    /// How long the log of an ended session must stay unchanged to be considered complete, in milliseconds.
    private static let lastWords: Int64 = 3000
    /// Poll interval of the log, in milliseconds; no shorter than `watch` takes to write.
    private static let interval: UInt32 = 200
    /// Poll interval of the ledger, in milliseconds.
    private static let askEvery: Int64 = 1000

    let session: String
    let catalog: Catalog
    /// Prints a source; returns false when the reader has closed the output.
    let printed: (StoreSource) throws -> Bool

    /// How far the log has been printed.
    private struct Place {
        var generation: Int?
        var offset: UInt64 = 0
        var line: UInt64 = 1
    }

    func run() throws {
        var place = Place()
        var changed = TimeText.now()
        var asked: Int64 = 0
        let folder = LiveStore.folder(catalog.store, session: session)
        while true {
            let record = TimeText.now() - asked >= Self.askEvery ? try catalog.session(session) : nil
            if record != nil { asked = TimeText.now() }
            // The ledger is read before the log, so that each line is seen in the log or in the pack.
            if let record, record.pack != nil {
                _ = try printRest(record, place)
                return
            }
            let before = place.offset
            guard try printNew(folder, &place) else { return }
            if place.offset > before { changed = TimeText.now() }
            let isOver = record.map { $0.state != .running } ?? false
            if isOver, TimeText.now() - changed >= Self.lastWords { return }
            usleep(Self.interval * 1000)
        }
    }

    private func printNew(_ folder: String, _ place: inout Place) throws -> Bool {
        guard let log = try LiveSnapshot.newest(folder: folder), let record = try catalog.session(session) else {
            return true
        }
        if let known = place.generation, known != log.generation {
            Failure(
                "log_differs", "the log now being followed differs from what was printed; both are kept",
                session: session, hint: "salvage grep searches both"
            ).report(json: false, style: Style(choice: .auto, descriptor: STDERR_FILENO))
            place.offset = min(place.offset, log.wholeLines.end)
        }
        place.generation = log.generation
        let (end, line) = log.wholeLines
        guard end > place.offset else { return true }
        let source = LiveSource(
            [log], label: SourceLabel(record), from: place.offset, line: place.line, throughLastNewline: true)
        place.offset = end
        place.line = line
        return try printed(.live(source))
    }

    /// Prints the lines that only the pack has: those written between the last poll and the end.
    private func printRest(_ record: SessionRecord, _ place: Place) throws -> Bool {
        let pack = try SessionPack(session, catalog: catalog)
        if let damage = pack.artifactsDamage, !pack.knowsArtifacts {
            throw pack.artifactsUnreadable(damage, hint: "choose members with salvage logs --path")
        }
        let logs = pack.reader.members.indices.filter { pack.artifact(of: pack.reader.members[$0]) == "logs" }
        guard let log = logs.first, pack.reader.members[log].size > place.offset else { return true }
        let source = PackSource(pack.reader, label: SourceLabel(record), usesFilters: false, members: [log])
        let members = source.members.map { member in
            var rest = member
            rest.pieces = LiveSource.trimmed(member.pieces, from: place.offset, line: place.line)
            return rest
        }
        return try printed(.rest(source, members))
    }
}
