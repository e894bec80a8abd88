import Clocks
import JSON
import NIOCore
import Synchronization
import Text

/// A synthetic fleet as the operations see it. List entries are cached as text in chunks of 32 sessions, so that a list
/// of 10,000 only copies cached chunks and encodes changed ones.
final class FleetStore: Sendable {
    private static let chunkSize = 32

    private struct Chunk {
        /// Nil when a session of the chunk has changed.
        var all: ByteBuffer?
        var running: ByteBuffer?
    }

    private struct State {
        var fleet: Fleet
        var chunks: [Chunk] = []
        var numbers: ByteDictionary<Int> = [:]
        /// Players that have joined, by session number.
        var players: [Int: PlayerRoll] = [:]
    }

    private let state: Mutex<State>
    private let names: FleetNames
    private let archives: FleetArchive
    /// When the logs of sessions created before the server begin.
    private let start: Milliseconds
    let linesPerSecond: Double

    init(_ configuration: SandboxFleet, places: Places, configuration server: SandboxConfiguration) {
        start = WallClock.now()
        linesPerSecond = configuration.logLinesPerSecond
        names = FleetNames(
            seed: configuration.seed, places: places.all, crashShare: configuration.crashShare)
        archives = FleetArchive(bytes: configuration.artifactBytes, seed: configuration.seed)
        let fleet = Fleet(
            size: configuration.running, exitsPerSecond: configuration.exitsPerSecond,
            retention: server.retentionMilliseconds, seed: configuration.seed, start: start)
        state = Mutex(State(fleet: fleet))
        state.withLock { Self.register(&$0, names) }
    }

    /// The list entries, in pieces to be joined with commas.
    func chunks(all: Bool, now: Milliseconds) -> [ByteBuffer] {
        withFleet(now) { state in
            var pieces: [ByteBuffer] = []
            for index in (state.fleet.floor / Self.chunkSize)..<state.chunks.count {
                let known = all ? state.chunks[index].all : state.chunks[index].running
                let piece = known ?? encode(index, all: all, state)
                if all { state.chunks[index].all = piece } else { state.chunks[index].running = piece }
                if piece.readableBytes > 0 { pieces.append(piece) }
            }
            return pieces
        }
    }

    /// Every session whose container exists, for lists with filters or faults.
    func views(now: Milliseconds) -> [SessionView] {
        withFleet(now) { state in
            (state.fleet.floor..<state.fleet.entries.count).compactMap { number in
                let entry = state.fleet.entries[number]
                return entry.removed == 0 ? view(number, state) : nil
            }
        }
    }

    func view(_ id: String) -> SessionView? {
        withFleet(WallClock.now()) { state in
            state.numbers[id].map { view($0, state) }
        }
    }

    private func view(_ number: Int, _ state: State) -> SessionView {
        var view = names.view(number, state.fleet.entries[number])
        if let players = state.players[number] { view.players = players }
        return view
    }

    /// Adds players to a session.
    /// - Returns: the number of players afterwards; nil when no such session is running.
    func join(_ id: String, _ players: [String]) -> Int? {
        withFleet(WallClock.now()) { state in
            guard let number = state.numbers[id], state.fleet.entries[number].ended == 0 else { return nil }
            state.players[number, default: PlayerRoll()].join(players)
            changed([number], &state)
            return state.players[number]?.count
        }
    }

    /// Removes players from every running session.
    /// - Returns: the number of players who remain in the sessions they left.
    func leave(_ players: ByteSet) -> Int {
        withFleet(WallClock.now()) { state in
            var remaining = 0
            for number in state.players.keys where state.fleet.entries[number].ended == 0 {
                guard state.players[number]?.leave(players) == true else { continue }
                remaining += state.players[number]?.count ?? 0
                changed([number], &state)
            }
            return remaining
        }
    }

    /// Whether the session has ended or been removed; true also when it never existed.
    func isOver(_ id: String) -> Bool {
        withFleet(WallClock.now()) { state in
            state.numbers[id].map { state.fleet.entries[$0].ended != 0 || state.fleet.entries[$0].removed != 0 } ?? true
        }
    }

    /// Ends a session.
    /// - Returns: nil when there is no such session, false when it has already ended.
    func stop(_ id: String) -> Bool? {
        let now = WallClock.now()
        return withFleet(now) { state in
            guard let number = state.numbers[id], state.fleet.entries[number].removed == 0 else { return nil }
            let stopped = state.fleet.stop(number, at: now)
            changed([number], &state)
            return stopped
        }
    }

    func remove(_ id: String) -> Bool {
        let now = WallClock.now()
        return withFleet(now) { state in
            guard let number = state.numbers[id], state.fleet.entries[number].removed == 0 else { return false }
            state.fleet.remove(number, at: now)
            changed([number], &state)
            return true
        }
    }

    /// Ends `count` sessions at once and returns how many ended.
    func exit(count: Int) -> Int {
        let now = WallClock.now()
        return withFleet(now) { state in
            let numbers = state.fleet.stop(count: count, at: now)
            changed(numbers, &state)
            return numbers.count
        }
    }

    var counts: (running: Int, ended: Int) {
        withFleet(WallClock.now()) { ($0.fleet.runningCount, $0.fleet.endedCount) }
    }

    /// The log of one session; nil when there is no such session.
    func log(_ id: String) -> FleetLog? {
        withFleet(WallClock.now()) { state in
            state.numbers[id].map { number in
                let entry = state.fleet.entries[number]
                return FleetLog(
                    session: id, number: number, map: names.map(number), begin: max(entry.created, start),
                    end: entry.ended == 0 ? nil : entry.ended, linesPerSecond: linesPerSecond,
                    crashes: names.crashes(number))
            }
        }
    }

    /// Nil when the path does not exist.
    func archive(_ id: String, path: String, form: Faults.Archive) -> [[UInt8]]? {
        guard let log = log(id) else { return nil }
        return archives.archive(log, path: path, form: form)
    }

    private func withFleet<Result: Sendable>(
        _ now: Milliseconds, _ body: (inout State) -> sending Result
    ) -> Result {
        state.withLock { state in
            let numbers = state.fleet.advance(to: now)
            if !numbers.isEmpty { changed(numbers, &state) }
            return body(&state)
        }
    }

    private func changed(_ numbers: [Int], _ state: inout State) {
        Self.register(&state, names)
        for number in numbers where state.chunks.indices.contains(number / Self.chunkSize) {
            state.chunks[number / Self.chunkSize] = Chunk()
            if state.fleet.entries[number].removed != 0 { state.players[number] = nil }
        }
    }

    private static func register(_ state: inout State, _ names: FleetNames) {
        for number in state.numbers.count..<state.fleet.entries.count {
            state.numbers[names.id(number)] = number
            if number / chunkSize < state.chunks.count { state.chunks[number / chunkSize] = Chunk() }
        }
        while state.chunks.count * chunkSize < state.fleet.entries.count { state.chunks.append(Chunk()) }
    }

    private func encode(_ index: Int, all: Bool, _ state: State) -> ByteBuffer {
        var bytes: [UInt8] = []
        let range = index * Self.chunkSize..<min((index + 1) * Self.chunkSize, state.fleet.entries.count)
        let plain = FaultRegistry(common: Faults(), mix: nil).verdict(nil)
        for number in range {
            let entry = state.fleet.entries[number]
            guard entry.removed == 0, all || entry.ended == 0 else { continue }
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            SessionJSON(view: view(number, state), verdict: plain, now: 0).listEntry.write(to: &bytes)
        }
        return ByteBuffer(bytes: bytes)
    }
}
