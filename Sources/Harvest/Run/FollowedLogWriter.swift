import Dispatch
import Files
import Live
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text

/// A session whose log is followed.
final class FollowedLog: Sendable {
    struct Contents {
        /// Bytes received and not written yet.
        var pending: [UInt8] = []
        /// Bytes written of the log's current generation.
        var bytes: UInt64 = 0
        /// Set when no more bytes are accepted.
        var closed = false
        /// Set when the session has ended: the stream may finish, but is not restarted.
        var draining = false
        /// Set when the log has reached its limit or failed: following it is pointless.
        var useless = false
        var queued = false
        var heard: Int64 = 0
        var stream: Task<StreamEnd, Never>?
        var log: LiveLog?
    }

    /// How a connection ended.
    enum StreamEnd: Sendable {
        /// The server ended the stream.
        case clean
        /// The stream was cut off or refused, or the log is full.
        case broken
        /// The server asks to wait this long, in milliseconds.
        case refused(Int64)
    }

    let key: String
    let id: String
    let manifest: Spool.Manifest
    let folder: String
    let contents = Mutex(Contents())

    init(key: String, id: String, manifest: Spool.Manifest, folder: String) {
        self.key = key
        self.id = id
        self.manifest = manifest
        self.folder = folder
    }

    var bytes: UInt64 { contents.withLock { $0.bytes &+ UInt64($0.pending.count) } }

    /// Whether to open a connection.
    var wantsConnection: Bool { contents.withLock { !$0.closed && !$0.draining && !$0.useless } }

    func drain() { contents.withLock { $0.draining = true } }
}

/// Writes followed logs in batches of many sessions, so that a thousand of them cost a thousand short writes per round
/// instead of a thread hop per line. Received bytes are written within ``interval``.
final class FollowedLogWriter: Sendable {
    /// The time between rounds of writing, in milliseconds.
    static let interval: Int64 = 200
    /// The maximum number of unwritten bytes of one session; beyond it, its stream waits.
    static let mostPending = 64 << 10
    /// The time between syncs, in milliseconds: the most that a power cut may cost.
    static let syncEvery: Int64 = 5000
    /// How long the stream of an ended session may be silent before it is closed, in milliseconds.
    static let lastWords: Int64 = 2000

    let store: String
    private let current: CurrentConfiguration
    private let inspector: (@Sendable (Int64) -> any BlockInspector)?
    private let trouble: @Sendable (String) -> Void
    /// Serializes writing; only its thread touches the logs and the compressor.
    private let queue = DispatchQueue(label: "salvage.live")
    private let compressor = Mutex<LiveLog.BlockCompressor?>(nil)
    private let state: Mutex<State>

    private struct State {
        var entries: ByteDictionary<FollowedLog> = [:]
        var dirty: [FollowedLog] = []
        var unsynced = false
        var synced: Int64 = 0
        var complained: Int64 = 0
    }

    init(
        store: String, current: CurrentConfiguration, inspector: (@Sendable (Int64) -> any BlockInspector)?,
        trouble: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.current = current
        self.inspector = inspector
        self.trouble = trouble
        state = Mutex(State())
    }

    // MARK: Entries

    func add(_ entry: FollowedLog) { state.withLock { $0.entries[entry.key] = entry } }

    func entry(_ key: String) -> FollowedLog? { state.withLock { $0.entries[key] } }

    func remove(_ key: String) { state.withLock { $0.entries[key] = nil } }

    // MARK: Streams

    /// Accepts a piece; returns whether more is wanted. Waits while the disk is behind.
    func append(_ entry: FollowedLog, _ piece: any DownloadPiece, now: Int64) async throws -> Bool {
        let (more, isFull, isNew) = entry.contents.withLock { contents -> (Bool, Bool, Bool) in
            guard !contents.closed, !contents.useless else { return (false, false, false) }
            contents.heard = now
            piece.lend { contents.pending += $0 }
            let isNew = !contents.queued
            contents.queued = true
            return (true, contents.pending.count >= Self.mostPending, isNew)
        }
        if isNew { state.withLock { $0.dirty.append(entry) } }
        guard isFull else { return more }
        while try await !run({ self.write(entry) }) {
            // The disk is full: the stream waits, and no received byte is dropped.
            try await Task.sleep(for: .seconds(1))
            if entry.contents.withLock({ $0.closed || $0.useless }) { return false }
        }
        return more
    }

    /// Opens the log if needed, and treats the next bytes as starting at its beginning.
    func begin(_ entry: FollowedLog, prepare: @escaping @Sendable () throws -> Void, now: Int64) async throws {
        entry.contents.withLock { $0.heard = now }
        let limit = current.value.limits.download
        try await run { [inspector] in
            _ = self.write(entry)
            if entry.contents.withLock({ $0.log == nil }) {
                try prepare()
                let start = entry.manifest.facts.created ?? 0
                let log = try LiveLog(folder: entry.folder, limit: limit, inspector: inspector?(start))
                entry.contents.withLock { contents in
                    contents.log = log
                    contents.bytes = log.bytes
                }
            }
            try entry.log?.reconnected(self.sharedCompressor())
        }
    }

    /// Writes and compares the last bytes of the connection.
    func end(_ entry: FollowedLog) async throws {
        try await run {
            _ = self.write(entry)
            try entry.log?.endConnection(self.sharedCompressor())
        }
    }

    /// Accepts nothing more of a session, and writes and syncs what was received; its files are then complete.
    func close(_ key: String) async throws {
        guard let entry = entry(key) else { return }
        entry.contents.withLock { $0.closed = true }
        while try await !run({ self.write(entry) }) { try await Task.sleep(for: .seconds(1)) }
        try await run {
            try entry.log?.sync()
            let stream = entry.contents.withLock { contents in
                contents.log = nil
                return contents.stream
            }
            stream?.cancel()
        }
        remove(key)
    }

    // MARK: Writing

    /// Writes the received bytes of all sessions, and syncs them every ``syncEvery``. Called by one task.
    func writeAll(now: Int64) async {
        let (dirty, syncs) = state.withLock { state -> ([FollowedLog], Bool) in
            let dirty = state.dirty
            state.dirty = []
            if !dirty.isEmpty { state.unsynced = true }
            let syncs = state.unsynced && now - state.synced >= Self.syncEvery
            if syncs {
                state.synced = now
                state.unsynced = false
            }
            return (dirty, syncs)
        }
        guard !dirty.isEmpty || syncs else { return }
        let store = store
        try? await run {
            for entry in dirty where !self.write(entry) {
                // Not written: it stays in the queue.
                self.state.withLock { $0.dirty.append(entry) }
            }
            guard syncs else { return }
            do throws(FileFailure) { try Folders.syncFileSystem(store) } catch {
                self.complain("the followed logs could not be synced; a power cut may take their last lines: \(error)")
            }
        }
    }

    /// Cancels the streams that have been silent for `silence` milliseconds; the caller reconnects them.
    func cutSilent(now: Int64, silence: Int64) {
        let entries = state.withLock { Array($0.entries.values) }
        for entry in entries {
            let stream = entry.contents.withLock { contents -> Task<FollowedLog.StreamEnd, Never>? in
                let limit = contents.draining ? Self.lastWords : silence
                guard contents.stream != nil, now - contents.heard >= limit else { return nil }
                contents.heard = now
                return contents.stream
            }
            stream?.cancel()
        }
    }

    /// Writes the received bytes of one session; returns false when the disk is full and they have to wait. Runs on the
    /// queue.
    private func write(_ entry: FollowedLog) -> Bool {
        let (piece, log) = entry.contents.withLock { contents -> ([UInt8], LiveLog?) in
            contents.queued = false
            guard contents.log != nil else { return ([], nil) }
            defer { contents.pending = [] }
            return (contents.pending, contents.log)
        }
        guard let log, !piece.isEmpty else { return true }
        var fits = true
        var failure: (any Error)?
        do {
            fits = try piece.withUnsafeBytes { try log.take($0, sharedCompressor()) }
        } catch {
            failure = error
        }
        let isFull = (failure as? LiveFailure)?.isFull ?? false
        entry.contents.withLock { contents in
            if isFull {
                contents.pending = piece.dropFirst(log.consumed) + contents.pending
                contents.queued = true
            }
            contents.bytes = log.bytes
            if !isFull, failure != nil || !fits { contents.useless = true }
        }
        if let failure { complain("the log of \(entry.key) could not be written: \(failure)") }
        if !fits { trouble("the log of \(entry.key) is no longer followed: it has reached limits.download") }
        return !isFull
    }

    private func complain(_ text: String) {
        let now = HarvestRunner.now()
        let isDue = state.withLock { state in
            guard now - state.complained >= 10_000 else { return false }
            state.complained = now
            return true
        }
        if isDue { trouble(text) }
    }

    private func sharedCompressor() throws -> LiveLog.BlockCompressor {
        try compressor.withLock { compressor in
            let made = try compressor ?? LiveLog.BlockCompressor()
            compressor = made
            return made
        }
    }

    private func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try work() }) }
        }
    }
}

extension FollowedLog {
    fileprivate var log: LiveLog? { contents.withLock { $0.log } }
}
