import NIOCore
import Synchronization

/// The open connections.
///
/// A connection that waits for a request is closed when its time is over. When there are too many connections, the one that has
/// waited longest is closed in favor of the new one, so that connections on which nobody sends anything do not keep others
/// out.
final class ConnectionRegister: Sendable {
    /// How long the head of the first request may take.
    static let headTime = TimeAmount.seconds(10)
    /// How long a connection may wait for another request.
    static let idleTime = TimeAmount.seconds(60)

    /// The greatest number of open connections.
    let most: Int

    private struct Entry {
        let channel: any Channel
        /// The order of the time since when it has waited for a request; nil while one is answered.
        var waiting: UInt64?
        /// Closes it.
        var deadline: Scheduled<Void>?
        /// Whether it is unknown where the next request begins.
        var isBroken = false
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var clock: UInt64 = 0
        var isDraining = false
    }

    private let state = Mutex(State())

    init(most: Int) { self.most = most }

    /// Adds a connection.
    func opened(_ channel: any Channel) {
        let closed: (any Channel)? = state.withLock { state in
            state.clock += 1
            state.entries[ObjectIdentifier(channel)] = Entry(
                channel: channel, waiting: state.clock, deadline: Self.deadline(channel, Self.headTime))
            guard state.entries.count > most else { return nil }
            // The new one waits as well: it is closed if all others are busy.
            let oldest = state.entries.values.filter { $0.waiting != nil }.min {
                ($0.waiting ?? 0) < ($1.waiting ?? 0)
            }
            return oldest?.channel
        }
        guard let closed else { return }
        self.closed(closed)
        closed.close(promise: nil)
    }

    /// Removes a connection.
    func closed(_ channel: any Channel) {
        let entry = state.withLock { $0.entries.removeValue(forKey: ObjectIdentifier(channel)) }
        entry?.deadline?.cancel()
    }

    /// A request has arrived on the connection. It is answered until the returned value is released.
    func began(_ channel: any Channel) -> RequestActivity {
        let entry = state.withLock { state in
            defer {
                state.entries[ObjectIdentifier(channel)]?.waiting = nil
                state.entries[ObjectIdentifier(channel)]?.deadline = nil
            }
            return state.entries[ObjectIdentifier(channel)]
        }
        entry?.deadline?.cancel()
        return RequestActivity(self, channel, isBroken: entry?.isBroken ?? false)
    }

    /// Nothing more is read from the connection as requests.
    fileprivate func breakOff(_ channel: any Channel) {
        state.withLock { $0.entries[ObjectIdentifier(channel)]?.isBroken = true }
    }

    /// The rest of the request is awaited, or has arrived: a connection on which nobody sends it gives way to a new one.
    fileprivate func set(isWaiting: Bool, _ channel: any Channel) {
        state.withLock { state in
            state.clock += 1
            state.entries[ObjectIdentifier(channel)]?.waiting = isWaiting ? state.clock : nil
        }
    }

    /// The request was answered.
    fileprivate func ended(_ channel: any Channel) {
        state.withLock { state in
            state.clock += 1
            guard state.entries[ObjectIdentifier(channel)] != nil else { return }
            state.entries[ObjectIdentifier(channel)]?.waiting = state.clock
            // Once the server stops, a connection only lives until its last bytes are read.
            let time = state.isDraining ? TimeAmount.milliseconds(500) : Self.idleTime
            state.entries[ObjectIdentifier(channel)]?.deadline = Self.deadline(channel, time)
        }
    }

    /// Closes the connections that wait for a request; the others are closed once theirs is answered.
    func drain() {
        let idle = state.withLock { state in
            state.isDraining = true
            return state.entries.values.filter { $0.waiting != nil }.map(\.channel)
        }
        for channel in idle { channel.close(promise: nil) }
    }

    private static func deadline(_ channel: any Channel, _ time: TimeAmount) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}

/// A request that is answered: as long as this value exists, its connection does not count as one that waits.
final class RequestActivity: Sendable {
    private let register: ConnectionRegister
    private let channel: any Channel
    /// Whether a request before it did not say where it ends, so that this one may be a part of it.
    let isBroken: Bool

    fileprivate init(_ register: ConnectionRegister, _ channel: any Channel, isBroken: Bool) {
        self.register = register
        self.channel = channel
        self.isBroken = isBroken
    }

    /// It is unknown where the request ends: what follows is none.
    func breakOff() { register.breakOff(channel) }

    /// Its body is awaited.
    func waits() { register.set(isWaiting: true, channel) }

    /// Its body has arrived, or is not wanted any more.
    func works() { register.set(isWaiting: false, channel) }

    deinit { register.ended(channel) }
}
