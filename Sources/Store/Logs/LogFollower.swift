import Catalog
import Glibc
import JSON
public import Live
import LogSearch
public import Model
import Pack
import Terminal

/// Returns new lines of a followed log until its session has ended, as `docker logs -f` does.
struct LogFollower {
    /// How long the log of an ended session must stay unchanged to be considered complete, in milliseconds.
    private static let lastWords: Int64 = 3000
    /// Poll interval of the log, in milliseconds; no shorter than `watch` takes to write.
    private static let interval: UInt32 = 200
    /// Poll interval of the ledger, in milliseconds.
    private static let askEvery: Int64 = 1000

    let session: String
    let store: Store
    /// Takes the log that differs from what was returned before.
    let differs: (StoreError) -> Void
    /// Takes new lines; returns false to stop.
    let take: (StoreSource) throws -> Bool

    /// How far the log has been returned.
    private struct Place {
        var generation: Int?
        var offset: UInt64 = 0
        var line: UInt64 = 1
    }

    func run() throws {
        var place = Place()
        var changed = TimeText.now()
        var asked: Int64 = 0
        let folder = LiveStore.folder(store.path, session: session)
        while true {
            let record = TimeText.now() - asked >= Self.askEvery ? try store.catalog().session(session) : nil
            if record != nil { asked = TimeText.now() }
            // The ledger is read before the log, so that each line is seen in the log or in the pack.
            if let record, record.pack != nil {
                _ = try takeRest(record, place)
                return
            }
            let before = place.offset
            guard try takeNew(folder, &place) else { return }
            if place.offset > before { changed = TimeText.now() }
            let isOver = record.map { $0.state != .running } ?? false
            if isOver, TimeText.now() - changed >= Self.lastWords { return }
            usleep(Self.interval * 1000)
        }
    }

    private func takeNew(_ folder: String, _ place: inout Place) throws -> Bool {
        guard let log = try LiveSnapshot.newest(folder: folder), let record = try store.catalog().session(session)
        else {
            return true
        }
        if let known = place.generation, known != log.generation {
            differs(
                StoreError(
                    .logDiffers, "the log now being followed differs from what was printed; both are kept",
                    session: session, hint: "salvage grep searches both"))
            place.offset = min(place.offset, log.wholeLines.end)
        }
        place.generation = log.generation
        let (end, line) = log.wholeLines
        guard end > place.offset else { return true }
        let source = LiveSource(
            [log], label: SourceLabel(record), from: place.offset, line: place.line, throughLastNewline: true)
        place.offset = end
        place.line = line
        return try take(.live(source))
    }

    /// Returns the lines that only the pack has: those written between the last poll and the end.
    private func takeRest(_ record: SessionRecord, _ place: Place) throws -> Bool {
        let pack = try SessionPack(record, in: store)
        guard let log = try pack.firstOutputMember(), pack.reader.members[log].size > place.offset else { return true }
        let source = PackSource(pack.reader, label: SourceLabel(record), usesFilters: false, members: [log])
        let members = source.members.map { member in
            var rest = member
            rest.pieces = LiveSource.trimmed(member.pieces, from: place.offset, line: place.line)
            return rest
        }
        return try take(.rest(source, members))
    }
}

/// The log of one session, as far as it is known now.
public enum SessionLog: Sendable {
    /// The followed log of a session without a pack, one snapshot for each version of it, the newest last.
    case followed(SessionRecord, [LiveSnapshot])
    /// The pack of a session.
    case packed(SessionPack)
}

extension Store {
    /// The log of a session: the followed log if it has no pack, else its pack.
    ///
    /// - Throws: ``StoreError`` with `notFollowed` for a running session without a followed log, or as ``pack(_:)`` does;
    ///   `LiveFailure`.
    public func log(of session: SessionRecord) throws -> SessionLog {
        guard session.pack == nil else { return .packed(try SessionPack(session, in: self)) }
        if try LiveStore.isHeld(path, session: session.session) {
            let folder = LiveStore.folder(path, session: session.session)
            return .followed(session, try LiveSnapshot.all(folder: folder))
        }
        if session.state == .running {
            throw StoreError(
                .notFollowed, "the session is running and its log is not followed", session: session.session,
                hint: "salvage api stream-logs \(session.session) --follow; or follow: true in a rule, for watch",
                kind: .notFound)
        }
        return .packed(try SessionPack(session, in: self))
    }

    /// Passes the lines of a followed log to `take` as they are written, until the session has ended or `take` returns
    /// false. Polls: blocks for as long as the session runs.
    ///
    /// - Parameters:
    ///   - differs: called when the log is replaced by one that differs from what was passed.
    ///   - take: takes new lines; returns false to stop.
    /// - Throws: as ``log(of:)`` does, or what the closure throws.
    public func followLog(
        of session: SessionRecord, differs: @escaping (StoreError) -> Void,
        _ take: @escaping (StoreSource) throws -> Bool
    ) throws {
        try LogFollower(session: session.session, store: self, differs: differs, take: take).run()
    }
}
