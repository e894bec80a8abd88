import Catalog
import Glibc
import Pack
import Synchronization

extension HarvestRunner {
    /// How long a followed log may be silent before it is taken for hung and asked for again, in milliseconds.
    static let silence: Int64 = 600_000

    /// Follows a session's log until the session has ended. A stream that ends is the earliest sign of an exit.
    func follow(_ key: String, _ id: String) async {
        let folder = spool.liveFolder(of: key)
        var failures = 0
        do {
            guard let manifest = state.withLock({ $0.followed[key]?.manifest }) else { return done() }
            let spool = spool
            let limit = configuration.limits.download
            let log = try await disk.run {
                try spool.prepareLive(key, manifest)
                return try LiveLog(folder: folder, limit: limit)
            }
            while wants(key) {
                let before = log.bytes
                let clean = await connect(key, id, log)
                guard wants(key) else { break }
                if clean {
                    change { state, now in state.apply(state.watcher.handle(.streamEnded(id: id), now: now), now) }
                }
                failures = log.bytes > before ? 1 : min(failures + 1, 7)
                let bound = min(60_000, Int64(500) << Int64(failures))
                try await Task.sleep(for: .milliseconds(Int64.random(in: bound / 2...bound)))
            }
            try await disk.run { try log.sync() }
        } catch is CancellationError {
            // The run ends; the next one goes on with what is stored.
        } catch {
            parts.observer.event(.storeTrouble("the log of \(key) is not followed: \(error)"))
        }
        done()
    }

    private func wants(_ key: String) -> Bool {
        !Task.isCancelled && state.withLock { $0.followed[key] != nil && !$0.stopping }
    }

    /// One connection; returns whether the stream ended by itself.
    private func connect(_ key: String, _ id: String, _ log: LiveLog) async -> Bool {
        log.reconnected()
        let heard = LastHeard(Self.now())
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    return try await self.parts.source.follow(id) { piece in
                        heard.time.store(Self.now(), ordering: .relaxed)
                        let more = try await self.disk.run { try piece.lend { try log.take($0) } }
                        let bytes = log.bytes
                        return more
                            && self.state.withLock { state in
                                state.followed[key]?.bytes = bytes
                                return state.followed[key] != nil && !state.stopping
                            }
                    }
                } catch {
                    return false
                }
            }
            group.addTask {
                while !Task.isCancelled, Self.now() - heard.time.load(ordering: .relaxed) < Self.silence,
                    self.wants(key)
                {
                    try? await Task.sleep(for: .seconds(1))
                }
                return false
            }
            let ended = await group.next() ?? false
            group.cancelAll()
            return ended
        }
    }

    /// Lets the process have as many descriptors as the system allows it: each followed log takes two.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// When a stream last sent something.
private final class LastHeard: Sendable {
    let time: Atomic<Int64>

    init(_ now: Int64) { time = Atomic(now) }
}

extension HarvestState {
    /// A session whose log is followed.
    struct Followed {
        var manifest: Spool.Manifest
        var bytes: UInt64 = 0
    }

    /// Starts following a running session if its rule says so and there is room.
    mutating func follow(_ key: String, _ identity: SessionIdentity) {
        guard following, followed[key] == nil, followed.count < configuration.limits.followers else { return }
        guard let rule = configuration.rule(for: identity), rule.follow, rule.sample.includes(session: key) else {
            return
        }
        let facts = SessionFacts(
            session: key, image: identity.image, tag: identity.tag, location: identity.location, host: identity.host,
            labels: identity.labels, created: identity.created, source: "harvest")
        followed[key] = Followed(manifest: Spool.Manifest(facts: facts, artifacts: [FetchItem.logs]))
        work.append(.follow(key: key, id: identity.id))
    }

    /// Stops following; returns the followed log as a download that was cut off, to be kept unless a better one comes.
    mutating func unfollow(_ key: String, _ spool: Spool) -> SpooledFile? {
        guard let ended = followed.removeValue(forKey: key), ended.bytes > 0 else { return nil }
        let path = spool.liveFolder(of: key) + "/" + LiveLog.name
        return SpooledFile(artifact: FetchItem.logs, path: path, bytes: ended.bytes, complete: false)
    }
}

extension Spool {
    /// Where the log of a running session lies.
    func liveFolder(of key: String) -> String { liveRoot + "/" + PackPath.escaped(key) }

    /// Makes the folder of a followed log.
    func prepareLive(_ key: String, _ manifest: Manifest) throws {
        try StoreFolder.make(liveFolder(of: key))
        try writeManifest(manifest, in: liveFolder(of: key))
    }

    /// The logs that an interrupted run was following.
    func liveLeftovers() -> [Leftovers] {
        Spool.names(in: liveRoot).compactMap { name in
            let path = liveRoot + "/" + name
            guard let manifest = Spool.manifest(path), PackPath.escaped(manifest.facts.session) == name else {
                return nil
            }
            let files = Spool.names(in: path).sorted().compactMap { file -> SpooledFile? in
                var facts = stat()
                guard file == LiveLog.name || file.hasPrefix(LiveLog.name + "."), lstat(path + "/" + file, &facts) == 0,
                    facts.st_mode & S_IFMT == S_IFREG, facts.st_size > 0
                else { return nil }
                return SpooledFile(
                    artifact: FetchItem.logs, path: path + "/" + file, bytes: UInt64(facts.st_size), complete: false)
            }
            return Leftovers(folder: path, manifest: manifest, files: files)
        }
    }
}
