import Catalog
import Files
import Glibc
import Ingest
import Live
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// Follows a session's log until the session has ended. A stream that ends is the earliest sign of an exit.
    func follow(_ key: String) async {
        guard let entry = live.entry(key) else { return done() }
        var failures = 0
        do {
            while wants(entry) {
                try await admit()
                guard wants(entry) else { break }
                let before = entry.bytes
                let end = try await connect(entry)
                guard wants(entry) else { break }
                if case .clean = end {
                    change { state, now in state.apply(state.watcher.handle(.streamEnded(id: entry.id), now: now), now)
                    }
                }
                if case .refused(let wait) = end {
                    state.withLock { $0.fetcher.followerRefused(until: Self.now() + min(wait, 600_000)) }
                }
                failures = entry.bytes > before ? 1 : min(failures + 1, 7)
                let bound = min(60_000, Int64(500) << Int64(failures))
                try await Task.sleep(for: .milliseconds(Int64.random(in: bound / 2...bound)))
            }
        } catch is CancellationError {
            // The run ends; the next one continues with what is stored.
        } catch {
            entry.contents.withLock { $0.useless = true }
            parts.observer.event(.storeTrouble("the log of \(key) cannot be followed: \(error)"))
        }
        done()
    }

    private func wants(_ entry: FollowedLog) -> Bool {
        !Task.isCancelled && entry.wantsConnection && !state.withLock { $0.stopping }
    }

    /// Waits until the endpoint's request rate allows one more connection.
    private func admit() async throws {
        while true {
            let now = Self.now()
            let moment = state.withLock { $0.fetcher.admitFollower(now: now) }
            guard moment > now else { return }
            try await Task.sleep(for: .milliseconds(min(moment - now + Int64.random(in: 0...50), 1000)))
        }
    }

    /// Runs one connection from start to end.
    private func connect(_ entry: FollowedLog) async throws -> FollowedLog.StreamEnd {
        let spool = spool
        try await live.begin(entry, prepare: { try spool.prepareLive(entry.key, entry.manifest) }, now: Self.now())
        let stream = Task { () -> FollowedLog.StreamEnd in
            do {
                let whole = try await self.parts.source.follow(entry.id) { piece in
                    try await self.live.append(entry, piece, now: Self.now())
                }
                return whole && !Task.isCancelled ? .clean : .broken
            } catch let failure as SourceFailure {
                return failure.retryAfter.map { .refused($0) } ?? .broken
            } catch {
                return .broken
            }
        }
        entry.contents.withLock { $0.stream = stream }
        let end = await withTaskCancellationHandler {
            await stream.value
        } onCancel: {
            stream.cancel()
        }
        entry.contents.withLock { $0.stream = nil }
        try await live.end(entry)
        return end
    }

    /// Writes followed logs and cancels silent streams, until the run is over.
    func keepLive() async {
        var swept = Self.now()
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(FollowedLogWriter.interval))
            let now = Self.now()
            await live.writeAll(now: now)
            if state.withLock({ $0.stopping }) { live.cutSilent(now: now, silence: 0) }
            guard now - swept >= 1000 else { continue }
            swept = now
            live.cutSilent(now: now, silence: configuration.limits.silence)
        }
        await live.writeAll(now: Self.now())
    }

    /// Ends the followed log of a session and copies its generations into the spool as incomplete downloads.
    func expandLive(_ key: String, _ files: [SpooledFile]) async throws -> [SpooledFile] {
        guard files.contains(where: \.isFollowed) else { return files }
        try await live.close(key)
        try await prepareSpool(key)
        let spool = spool
        var expanded: [SpooledFile] = []
        for file in files {
            expanded += file.isFollowed ? try await disk.run { try spool.copyLive(key, file) } : [file]
        }
        return expanded
    }

    /// Returns whether a log fetched at the end starts with everything that was followed; nil when nothing was.
    func holdsFollowed(_ key: String, _ path: String) async throws -> Bool? {
        let folder = spool.liveFolder(of: key)
        let store = store
        guard try await disk.run({ try LiveStore.isHeld(store, session: key) }) else { return nil }
        try await live.close(key)
        return try await disk.run {
            try LiveSnapshot.all(folder: folder).allSatisfy { try FollowedLogPrefix.begins(path, with: $0) }
        }
    }
}

/// Compares a followed log with a file.
enum FollowedLogPrefix {
    /// Returns whether a file starts with all of a followed log.
    static func begins(_ path: String, with log: LiveSnapshot) throws -> Bool {
        let file = try OpenFile(path, O_RDONLY)
        var same = true
        var offset: UInt64 = 0
        try log.forEachPiece { piece in
            let bytes = try file.read(at: offset, count: piece.count)
            same =
                bytes.count == piece.count
                && (piece.baseAddress.map { memcmp(bytes, $0, piece.count) == 0 } ?? true)
            offset += UInt64(piece.count)
            return same
        }
        return same
    }
}

extension HarvestState {
    /// Starts following a running session if its rule says so; queues it when too many are followed.
    mutating func follow(_ key: String, _ identity: SessionIdentity) {
        guard following, followed[key] == nil else { return }
        guard let rule = configuration.rule(for: identity), rule.follow, rule.sample.includes(session: key) else {
            return
        }
        if let fleet, !fleet.follows(key) { return }
        let most = min(configuration.limits.followers, budget.followers, fleet?.mostFollowed ?? .max)
        guard followed.count < most else {
            if waitingToFollow.count < 100_000 { waitingToFollow.append((key, identity)) }
            return
        }
        let facts = SessionMetadata(identity.withID(key), source: "harvest")
        let entry = FollowedLog(
            key: key, id: identity.id, manifest: Spool.Manifest(facts: facts, artifacts: [FetchItem.logs]),
            folder: spool.liveFolder(of: key))
        followed[key] = entry
        live.add(entry)
        work.append(.follow(key: key))
    }

    /// Stops opening connections; returns the followed log as an incomplete download, to be kept unless a better one
    /// arrives.
    mutating func unfollow(_ key: String, _ spool: Spool) -> SpooledFile? {
        guard let entry = followed.removeValue(forKey: key) else { return nil }
        entry.drain()
        while let next = waitingToFollow.popLast() {
            guard watcher.isRunning(next.key) else { continue }
            follow(next.key, next.identity)
            break
        }
        guard entry.bytes > 0 else { return nil }
        return SpooledFile(followed: spool.liveFolder(of: key), bytes: entry.bytes)
    }
}

extension SpooledFile {
    /// Makes the download of a followed log from its folder, which is copied to a file when needed.
    init(followed folder: String, bytes: UInt64) {
        self.init(artifact: FetchItem.logs, path: folder, bytes: bytes, complete: false)
        isFollowed = true
    }
}

extension Spool {
    /// Returns the folder of a running session's log.
    func liveFolder(of key: String) -> String { liveRoot + "/" + PackPath.escaped(key) }

    /// Creates the folder of a followed log, with its manifest.
    func prepareLive(_ key: String, _ manifest: Manifest) throws {
        try Folders.make(liveRoot)
        _ = try OpenFolder(path: liveRoot).makeFolder(PackPath.escaped(key))
        try writeManifest(manifest, in: liveFolder(of: key))
        try Folders.sync(liveFolder(of: key))
        try Folders.sync(liveRoot)
    }

    /// Copies each generation of a followed log into the spool as an incomplete download.
    func copyLive(_ key: String, _ file: SpooledFile) throws -> [SpooledFile] {
        try LiveSnapshot.all(folder: file.path).filter { $0.size > 0 }.map { snapshot in
            let name = arriving(key, FetchItem.logs, at: Int64(snapshot.generation))
            let copy = try SpoolFile(path: name, limit: .max)
            try snapshot.forEachPiece { try copy.append($0) }
            try copy.finish()
            var spooled = SpooledFile(
                artifact: FetchItem.logs, path: try keep(name, complete: false), bytes: snapshot.size, complete: false)
            spooled.isFromFollowing = true
            return spooled
        }
    }
}
