import Catalog
import Files
import Glibc
import Ingest
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// Describes a session and passes the result to watcher and fetcher.
    func describe(_ id: String) async {
        let began = Self.now()
        let answer: DescribeAnswer
        var record = RequestRecord(session: id, at: began, endpoint: "describe-session", outcome: "ok")
        do throws(SourceFailure) {
            let sighting = try await parts.source.describe(id)
            answer = .found(sighting)
            record.status = 200
            record.outcome = sighting.status?.rawValue ?? "no status"
        } catch {
            let gone = error.status == 404 || error.status == 410
            answer = gone ? .notFound(identifier: error.identifier) : .failed
            record.status = error.status
            record.identifier = error.identifier
            record.outcome = gone ? "not found" : error.message
        }
        change { [record] state, now in
            var record = record
            record.session = state.fetcher.key(of: id) ?? state.watcher.key(of: id) ?? id
            state.batch.requests.append(record)
            state.apply(state.watcher.handle(.described(id: id, answer), now: now), now)
            state.apply(state.fetcher.described(id: id, answer, now: now), now)
            state.active -= 1
        }
    }

    /// Downloads one item into the spool and passes the result to the fetcher.
    func download(_ flight: UInt64, _ key: String, _ id: String, _ artifact: String) async {
        let began = Self.now()
        let name = spool.arriving(key, artifact, at: began)
        let (attempt, path) = await receive(key, id, artifact, name)
        let record = RequestRecord(
            session: key, at: began, artifact: artifact,
            endpoint: artifact == FetchItem.logs ? "stream-logs" : "artifacts", status: attempt.status,
            bytes: attempt.bytes, identifier: attempt.identifier, outcome: attempt.words)
        let unwanted = change { state, now in
            state.batch.requests.append(record)
            state.progress.bytes &+= attempt.bytes
            if attempt.status == 429 || attempt.status == 503 { state.progress.throttled += 1 }
            // A daemon recovers by itself; in a single pass the failure stands.
            if state.following, attempt.ending == .complete {
                state.summary.noRoom = nil
                state.summary.localTrouble = nil
            }
            let actions = state.fetcher.finished(flight: flight, attempt, now: now)
            let unwanted = state.recordKeptDownload(
                actions, path: path, key: key, artifact: artifact, bytes: attempt.bytes)
            for path in unwanted { state.spool.letGo.insert(path) }
            state.apply(actions, now)
            return unwanted
        }
        await discard(unwanted)
        done()
    }

    private func discard(_ paths: [String]) async {
        guard !paths.isEmpty else { return }
        let spool = spool
        try? await disk.run { spool.remove(paths) }
    }

    /// Downloads an artifact; returns the attempt and the path of what arrived, nil if nothing is kept.
    private func receive(_ key: String, _ id: String, _ artifact: String, _ name: String) async -> (Attempt, String?) {
        let file: SpoolFile
        do {
            file = try await openFile(key, name)
        } catch {
            noteLocal(error)
            return (Attempt(.storageFailed("\(error)")), nil)
        }
        var attempt: Attempt
        do {
            let whole = try await parts.source.download(id, artifact) { piece in
                try await self.disk.run { try self.append(piece, to: file) }
            }
            attempt = Attempt(whole ? .complete : .tooLarge, status: 200, bytes: file.bytes)
        } catch let failure as SourceFailure {
            attempt = Attempt(failure, bytes: file.bytes)
        } catch {
            noteLocal(error)
            attempt = Attempt(.storageFailed("\(error)"))
        }
        return await settleFile(file, artifact, key, &attempt)
    }

    private func append(_ piece: any DownloadPiece, to file: SpoolFile) throws -> Bool {
        if file.bytes >> 26 != (file.bytes &+ 65_536) >> 26 { try requireRoom() }
        return try piece.lend { try file.append($0) }
    }

    private func openFile(_ key: String, _ name: String) async throws -> SpoolFile {
        try await disk.run { try self.requireRoom() }
        try await prepareSpool(key)
        return try await disk.run { try SpoolFile(path: name, limit: self.configuration.limits.download) }
    }

    /// Creates a session's folder in the spool, once per run.
    func prepareSpool(_ key: String) async throws {
        let manifest = state.withLock { state in state.manifest(of: key) }
        guard let manifest else {
            throw HarvestError(.unknownSession, "the session is no longer fetched", session: key)
        }
        try await disk.run {
            try self.prepared.withLock { prepared in
                guard !prepared.contains(key) else { return }
                try self.spool.prepare(key, manifest)
                prepared.insert(key)
            }
        }
    }

    /// Throws `storeUnusable` when less than `limits.reserve` is free: packing what arrived needs room, too.
    private func requireRoom() throws(HarvestError) {
        guard let free = try? Folders.space(store).free, free < configuration.limits.reserve else { return }
        throw HarvestError(
            .storeUnusable,
            "only \(counted(free, "byte is", "bytes are")) free, "
                + "less than limits.reserve of \(configuration.limits.reserve)",
            path: store)
    }

    private func settleFile(_ file: SpoolFile, _ artifact: String, _ key: String, _ attempt: inout Attempt) async -> (
        Attempt, String?
    ) {
        let keeps: Bool
        switch attempt.ending {
        case .complete, .tooLarge: keeps = true
        case .cut: keeps = file.bytes > 0
        case .refused, .unreachable, .storageFailed: keeps = false
        }
        let complete = attempt.ending == .complete
        let spool = spool
        do {
            let (path, crashed) = try await disk.run { () -> (String?, Bool?) in
                guard keeps else {
                    file.discard()
                    return (nil, nil)
                }
                try file.finish()
                let path = try spool.keep(file.path, complete: complete)
                guard artifact == FetchItem.logs, complete else { return (path, nil) }
                return (path, LogCrashHeuristic.looksCrashed(path: path))
            }
            attempt.looksCrashed = crashed
            if artifact == FetchItem.logs, complete, let path {
                attempt.holdsEarlier = try await holdsFollowed(key, path)
            }
            return (attempt, path)
        } catch {
            noteLocal(error)
            // The bytes may be complete: keep them until a later try succeeds.
            let names = [".part", ".complete", ".cut"].map { String(file.path.dropLast(".part".utf8.count)) + $0 }
            state.withLock { $0.contexts[key]?.strays[artifact, default: []] += names }
            return (Attempt(.storageFailed("\(error)")), nil)
        }
    }

    /// Records a local failure for the summary and reports its first occurrence. Returns its text.
    @discardableResult
    func noteLocal(_ error: any Error) -> String {
        var words = "\(error)"
        var isRoom = false
        switch error {
        case let error as HarvestError where error.code == .unknownSession: return words
        case let error as HarvestError where error.code == .storeUnusable:
            words = error.message
            isRoom = true
        case let error as IngestError where error.code == .noSpace:
            words = error.message
            isRoom = true
        case let error as PackError where error.code == .noSpace:
            words = error.description
            isRoom = true
        case let error as FileFailure: isRoom = error.isFull
        default: break
        }
        let isNews = state.withLock { [isRoom, words] state in
            let known = isRoom ? state.summary.noRoom : state.summary.localTrouble
            if isRoom { state.summary.noRoom = words } else { state.summary.localTrouble = words }
            return known == nil
        }
        if isNews { parts.observer.event(.storeTrouble((isRoom ? "too little free space: " : "") + words)) }
        return words
    }

    /// Removes the rest of a session from the spool.
    func drop(_ key: String, live: Bool) async {
        _ = prepared.withLock { $0.remove(key) }
        let busy = state.withLock { $0.contexts[key] != nil }
        do {
            if live { try await self.live.close(key) }
            // If not `live`, the session was seen running again: what was fetched too early is fetched again.
            if !busy { try await dropSpool(key, live: live, discarding: !live) }
        } catch {
            parts.observer.event(
                .storeTrouble("could not remove the spool of \(key); the next run tries again: \(error)"))
        }
        done()
    }
}

extension HarvestState {
    /// Records a kept download; returns the paths of the files no longer needed.
    mutating func recordKeptDownload(
        _ actions: [Fetcher.Action], path: String?, key: String, artifact: String, bytes: UInt64
    ) -> [String] {
        guard let path else { return [] }
        // Its lease was lost while the download ran: the bytes are offered again.
        if let fleet, contexts[key] == nil, fleet.strays.contains(key) { return [] }
        for case .keep(_, _, let complete, let replaces) in actions {
            guard contexts[key] != nil else { return [path] }
            var unwanted: [String] = []
            if complete { unwanted = contexts[key]?.strays.removeValue(forKey: artifact) ?? [] }
            if replaces {
                unwanted += contexts[key]?.files.filter { $0.artifact.hasSameBytes(as: artifact) }.map(\.path) ?? []
                contexts[key]?.files.removeAll { $0.artifact.hasSameBytes(as: artifact) }
            }
            let file = SpooledFile(artifact: artifact, path: path, bytes: bytes, complete: complete)
            contexts[key]?.files.append(file)
            return unwanted.filter { $0 != path }
        }
        return [path]
    }

    /// Returns the manifest of a session's spool folder; nil when the session is no longer fetched.
    func manifest(of key: String) -> Spool.Manifest? {
        guard let context = contexts[key], let artifacts = fetcher.artifacts(of: key) else { return nil }
        return Spool.Manifest(facts: context.facts, artifacts: artifacts)
    }
}

extension HarvestState.Context {
    /// The session's metadata for its pack.
    var facts: SessionMetadata {
        SessionMetadata(
            session.identity.withID(session.key), firstSeenExited: session.exitedAt, deadline: session.deadline,
            source: "harvest")
    }
}

extension Attempt {
    /// Makes an attempt from a failure of the source.
    init(_ failure: SourceFailure, bytes: UInt64) {
        let ending: Ending
        if failure.cut || bytes > 0 {
            ending = .cut(failure.message)
        } else if let status = failure.status {
            ending = .refused(status)
        } else {
            ending = .unreachable(failure.message)
        }
        self.init(
            ending, status: failure.status ?? (bytes > 0 ? 200 : nil), identifier: failure.identifier,
            retryAfter: failure.retryAfter, bytes: bytes)
    }

    /// The outcome in a few words, for the ledger's history.
    var words: String {
        switch ending {
        case .complete: "ok"
        case .cut(let why): "cut after \(counted(bytes, "byte")): \(why)"
        case .tooLarge: "stopped at limits.download"
        case .refused(let status): status == 404 || status == 410 ? "not found" : "refused"
        case .unreachable(let why): why
        case .storageFailed(let why): "not stored: \(why)"
        }
    }
}
