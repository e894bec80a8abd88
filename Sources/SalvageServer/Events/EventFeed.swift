import Glibc
import HTTPTypes
import JSON
import Model
import Store
import Synchronization
import Text

/// Looks for new crashes and sessions once a second while somebody wants to know, and passes them on.
final class EventFeed: Sendable {
    /// The greatest number of clients.
    static let mostClients = 64
    /// Events that a slow client may be behind; it is then cut off and resumes.
    static let mostWaiting = 512
    /// The most crashes of one look.
    private static let batch = 500
    /// Seconds between two comments.
    private static let heartbeat = 15

    /// The events of one client.
    final class Subscription: Sendable {
        let messages: AsyncStream<EventMessage>
        fileprivate let source: AsyncStream<EventMessage>.Continuation
        private let feed: EventFeed

        fileprivate init(_ feed: EventFeed) {
            (messages, source) = AsyncStream.makeStream(
                of: EventMessage.self, bufferingPolicy: .bufferingOldest(EventFeed.mostWaiting))
            self.feed = feed
        }

        /// No more are wanted.
        func end() {
            feed.remove(self)
            source.finish()
        }
    }

    private struct State {
        var clients: [ObjectIdentifier: Subscription] = [:]
        var isClosed = false
        /// The last crash that was there before the first client came.
        var start: Int64?
    }

    private let store: ServerStore
    private let settings: ServerSettings
    private let state = Mutex(State())

    init(_ store: ServerStore, _ settings: ServerSettings) {
        self.store = store
        self.settings = settings
    }

    // MARK: Clients

    /// Adds a client.
    ///
    /// - Throws: ``ServerFailure`` with 503 if there are too many.
    func subscribe() async throws -> Subscription {
        let subscription = Subscription(self)
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.clients.count < Self.mostClients else { return false }
            state.clients[ObjectIdentifier(subscription)] = subscription
            return true
        }
        guard isTaken else {
            throw ServerFailure(
                .serviceUnavailable, "busy", "\(Self.mostClients) clients receive events already", retryAfter: 10)
        }
        do {
            let row = try await store.read { try $0.lastCrashRow() }
            state.withLock { if $0.start == nil { $0.start = row } }
        } catch {
            // The catalog cannot be read now. Its first look that succeeds is where the feed begins.
            return subscription
        }
        return subscription
    }

    private func remove(_ subscription: Subscription) {
        state.withLock { _ = $0.clients.removeValue(forKey: ObjectIdentifier(subscription)) }
    }

    /// Ends all streams.
    func close() {
        let clients = state.withLock { state in
            state.isClosed = true
            return Array(state.clients.values)
        }
        for client in clients { client.end() }
    }

    private func send(_ messages: [EventMessage]) {
        for client in state.withLock({ Array($0.clients.values) }) {
            for message in messages {
                if case .dropped = client.source.yield(message) {
                    client.end()
                    break
                }
            }
        }
    }

    // MARK: Looking

    /// The crashes after a row, at most ``batch``; `next` is where to go on, nil if these were all.
    func missed(after row: Int64) async throws -> (messages: [EventMessage], next: Int64?) {
        let settings = settings
        let found = try await store.read { try CrashMessages.make($0, after: row, limit: Self.batch, settings) }
        return (found.messages, found.count < Self.batch ? nil : found.last)
    }

    /// Looks until the task is cancelled.
    func run() async {
        var version: CatalogVersion?
        var row: Int64?
        var sessions: KnownSessions?
        var seconds = 0
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            let isWanted = state.withLock { state in
                // Nobody misses anything: who comes later begins with what comes later, or names what it had.
                if state.clients.isEmpty { state.start = nil }
                return !state.clients.isEmpty
            }
            guard isWanted else {
                (version, row, sessions) = (nil, nil, nil)
                continue
            }
            seconds += 1
            if seconds % Self.heartbeat == 0 { send([.heartbeat]) }
            let current = CatalogVersion(store, second: seconds)
            guard current != version else { continue }
            do {
                let (after, known, settings) = (row ?? state.withLock { $0.start }, sessions, settings)
                let found = try await store.read { store in
                    try Self.look(store, after: after, known: known, settings)
                }
                (version, row, sessions) = (found.isAll ? current : nil, found.row, found.sessions)
                send(found.messages)
            } catch {
                // The catalog cannot be read now. The next look finds the same.
                continue
            }
        }
    }

    private struct Found: Sendable {
        var messages: [EventMessage]
        var row: Int64
        var sessions: KnownSessions
        var isAll: Bool
    }

    private static func look(
        _ store: Store, after: Int64?, known: KnownSessions?, _ settings: ServerSettings
    ) throws -> Found {
        let (ended, sessions) = try (known ?? KnownSessions()).look(store, now: settings.now())
        guard let after else {
            return Found(messages: [], row: try store.lastCrashRow(), sessions: sessions, isAll: true)
        }
        let crashes = try CrashMessages.make(store, after: after, limit: batch, settings)
        let new = known == nil ? [] : ended
        return Found(
            messages: crashes.messages + new.map { EventMessage("session", Shapes.session.line($0).utf8) },
            row: crashes.last, sessions: sessions, isAll: crashes.count < batch)
    }
}

/// The collected sessions that were seen.
private struct KnownSessions: Sendable {
    /// How long ago a session may have ended, in milliseconds, and how many are looked at.
    private static let reach = (time: Int64(6 * 3_600_000), count: 200)

    private var known: ByteSet = []

    /// The sessions that were not seen before, and what is known now.
    func look(_ store: Store, now: Int64) throws -> (new: [SessionRecord], KnownSessions) {
        let latest = try store.sessions(
            Selection(
                since: now - Self.reach.time, states: [.harvested, .partial, .skipped, .lost], limit: Self.reach.count))
        var next = KnownSessions()
        next.known = ByteSet(latest.map(\.session))
        return (latest.reversed().filter { !known.contains($0.session) }, next)
    }
}

/// The state of the catalog's files: another one means that something was written. A shared store has no files; each look
/// asks its database, so it is taken for changed only now and then.
private struct CatalogVersion: Equatable {
    /// Seconds between two looks at a shared store.
    private static let sharedInterval = 5
    private var facts: [Int] = []

    init(_ store: ServerStore, second: Int) {
        guard store.address.shared == nil else {
            facts = [second / Self.sharedInterval]
            return
        }
        for name in ["/catalog.sqlite", "/catalog.sqlite-wal"] {
            var info = stat()
            guard stat(store.path + name, &info) == 0 else {
                facts.append(0)
                continue
            }
            facts += [
                Int(clamping: info.st_ino), Int(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
            ]
        }
    }
}
