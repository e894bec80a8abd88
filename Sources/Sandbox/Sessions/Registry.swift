import Clocks
import Glibc
import Synchronization
import Text

/// Holds all real sessions. Their state changes only here.
final class Registry: SupervisorDelegate {
    private struct State {
        var sessions: ByteDictionary<Session> = [:]
        /// Ids in the order of creation, for lists.
        var order: [String] = []
        var takenPorts: Set<Int> = []
        var nextPort: Int
        var number = 0
        /// Start times of the sessions of the last minute, oldest first.
        var starts: [Milliseconds] = []
        /// Round-robin counters for the places of a name, by that name.
        var turns: ByteDictionary<Int> = [:]
        /// Start parameters of sessions that may be restarted.
        var plans: ByteDictionary<ProcessPlan> = [:]
        var stopping = false
    }

    /// The result of a request for a session.
    enum Admission {
        case admitted(Session)
        /// The id belongs to a session whose container still exists.
        case taken
        /// No capacity; `retryAfter` is in seconds, nil when unknown.
        case full(reason: String, retryAfter: Int?)
    }

    private let configuration: SandboxConfiguration
    private let log: ServerLog
    private let state: Mutex<State>
    private let supervisorBox = Mutex<Supervisor?>(nil)

    init(configuration: SandboxConfiguration, log: ServerLog) {
        self.configuration = configuration
        self.log = log
        state = Mutex(State(nextPort: configuration.ports.lowerBound))
    }

    private var supervisor: Supervisor? { supervisorBox.withLock { $0 } }

    /// Starts the supervisor, which all processes need.
    func open() throws(SandboxError) {
        let supervisor = try Supervisor(delegate: self)
        try supervisor.run()
        supervisorBox.withLock { $0 = supervisor }
    }

    /// Kills every process.
    func close() {
        state.withLock { $0.stopping = true }
        supervisor?.end()
        supervisorBox.withLock { $0 = nil }
    }

    func view(_ id: String) -> SessionView? { state.withLock { $0.sessions[id]?.view } }

    func session(_ id: String) -> Session? { state.withLock { $0.sessions[id] } }

    /// Whether the session is over; nil when it never existed.
    func isOver(_ id: String) -> Bool? { state.withLock { $0.sessions[id]?.life.isOver } }

    /// All sessions, including removed ones, which a fault may list.
    func all() -> [Session] { state.withLock { state in state.order.compactMap { state.sessions[$0] } } }

    /// Reserves the id, a place and the ports.
    func admit(_ request: RunRequest, id: String, choice: Hosting.Choice) -> Admission {
        let now = WallClock.now()
        return state.withLock { state in
            if let old = state.sessions[id], old.life.removedAt == nil { return .taken }
            if let full = refusal(now, &state) { return full }
            let (image, host) = (choice.image, configuration.address)
            guard let ports = Self.takePorts(for: image, from: configuration.ports, &state) else {
                return .full(reason: "All host ports are in use.", retryAfter: nil)
            }
            Self.forgetOldest(&state)
            state.number += 1
            state.starts.append(now)
            let turn = state.turns[request.location, default: 0]
            state.turns[request.location] = turn &+ 1
            let place = choice.places[turn % choice.places.count]
            let folder = SessionFolder(base: configuration.root, number: state.number, id: id)
            let own = SessionEnvironment.own(id: id, host: host, place: place, ports: ports, root: folder.root)
            let session = Session(
                id: id, request: request, image: image, place: place, host: host, created: now, ports: ports,
                env: SessionEnvironment.merged([
                    SessionEnvironment.base, image.description.env, request.env, own,
                ]),
                folder: folder, life: SessionLife(policy: policy(request), now: now))
            if state.sessions[id] != nil { state.order.removeAll { $0.hasSameBytes(as: id) } }
            state.sessions[id] = session
            state.order.append(id)
            return .admitted(session)
        }
    }

    private func policy(_ request: RunRequest) -> SessionLife.Policy {
        SessionLife.Policy(
            restart: request.restart, ttl: request.ttl.flatMap(configuration.milliseconds),
            grace: SandboxConfiguration.milliseconds(configuration.stopGrace),
            restartDelay: SandboxConfiguration.milliseconds(configuration.restartDelay),
            retention: configuration.retentionMilliseconds)
    }

    /// Why no other session may start now; nil when one may.
    private func refusal(_ now: Milliseconds, _ state: inout State) -> Admission? {
        if let limit = configuration.startsPerMinute {
            let window = SandboxConfiguration.milliseconds(configuration.minute)
            state.starts.removeAll { $0 &+ window <= now }
            if state.starts.count >= limit {
                let wait = state.starts.first.map { max(1, Int(($0 &+ window &- now &+ 999) / 1000)) }
                return .full(reason: "The limit is \(counted(limit, "session start")) per minute.", retryAfter: wait)
            }
        } else {
            state.starts.removeAll()
        }
        if let limit = configuration.maximumSessions {
            let running = state.sessions.values.count { !$0.life.isOver }
            if running >= limit {
                let sessions = counted(running, "session is running", "sessions are running")
                return .full(reason: "\(sessions); the limit is \(limit).", retryAfter: nil)
            }
        }
        return nil
    }

    /// Forgets the oldest removed sessions. Removed sessions are kept because faults may list them and because a 404
    /// distinguishes removed from unknown, but their number must be bounded.
    private static func forgetOldest(_ state: inout State) {
        guard state.order.count >= 10_000 else { return }
        let old = ByteSet(state.order.filter { state.sessions[$0]?.life.removedAt != nil }.prefix(5000))
        state.order.removeAll { old.contains($0) }
        for id in old { state.sessions[id] = nil }
    }

    /// Forgets a session that failed to start.
    func withdraw(_ session: Session) {
        state.withLock { state in
            guard state.sessions.removeValue(forKey: session.id) != nil else { return }
            state.order.removeAll { $0.hasSameBytes(as: session.id) }
            state.plans[session.id] = nil
            state.takenPorts.subtract(session.ports.map(\.host))
            if let index = state.starts.lastIndex(of: session.created) { state.starts.remove(at: index) }
        }
    }

    /// Starts the process. Returns nil, or why it did not start.
    func start(_ session: Session, executable: String) async -> StartFailure? {
        let description = session.image.description
        let plan = ProcessPlan(
            session: session.id, executable: executable, origin: session.image.folder + "/" + session.image.executable,
            arguments: description.args + session.request.args,
            environment: session.env, directory: session.folder.root + "/" + description.workdir,
            log: session.folder.log)
        state.withLock { $0.plans[session.id] = plan }
        guard let supervisor else { return .stopping }
        return await withCheckedContinuation { continuation in
            supervisor.start(plan) { continuation.resume(returning: $0) }
        }
    }

    /// Stops a session.
    /// - Returns: nil when there is no such session, false when it has already ended.
    func stop(_ id: String) -> Bool? {
        let known: Bool? = state.withLock { state in
            guard let session = state.sessions[id], session.life.removedAt == nil else { return nil }
            return !session.life.isOver
        }
        if known == true { send(.stop, to: id) }
        return known
    }

    /// Removes the container at once and kills its process if it is still running.
    func remove(_ id: String) -> Bool {
        guard view(id)?.removed == nil, view(id) != nil else { return false }
        send(.remove, to: id)
        return true
    }

    func signal(_ id: String, _ number: Int32) -> Bool {
        guard case .running(let pid) = session(id)?.life.phase, (1...64).contains(number) else { return false }
        return kill(pid, number) == 0
    }

    /// Changes the players of one session, or of all for nil. Sessions that are over are skipped.
    func players<Result: Sendable>(
        of id: String?, _ change: @Sendable (inout PlayerRoll) -> Result
    ) -> [Result] {
        state.withLock { state in
            let ids = id.map { [$0] } ?? state.order
            return ids.compactMap { id in
                guard var session = state.sessions[id], !session.life.isOver else { return nil }
                let result = change(&session.players)
                state.sessions[id] = session
                return result
            }
        }
    }

    private func send(_ event: SessionLife.Event, to id: String) {
        let now = WallClock.now()
        let actions = state.withLock { state in Self.advance(id, event, now, &state) }
        perform(actions, of: id)
        supervisor?.wake()
    }

    private static func advance(
        _ id: String, _ event: SessionLife.Event, _ now: Milliseconds, _ state: inout State
    ) -> [SessionLife.Action] {
        guard var session = state.sessions[id] else { return [] }
        let actions = session.life.handle(event, now: now)
        if session.life.isOver, session.ended == nil {
            session.ended = now
            state.takenPorts.subtract(session.ports.map(\.host))
        }
        if session.life.removedAt != nil { state.plans[id] = nil }
        state.sessions[id] = session
        return actions
    }

    private func perform(_ actions: [SessionLife.Action], of id: String) {
        for action in actions {
            switch action {
            case .start:
                if let plan = state.withLock({ $0.plans[id] }) { supervisor?.start(plan) }
            case .signal(let pid, let number):
                // SIGTERM is sent to the process only, as Docker does; SIGKILL to its whole group. The group exists
                // until its leader is reaped, which only the supervisor does.
                kill(number == SIGKILL ? -pid : pid, number)
            case .removeFolder:
                removeFolder(of: id)
            }
        }
    }

    private func removeFolder(of id: String) {
        guard let folder = session(id)?.folder else { return }
        do {
            try folder.remove()
        } catch {
            log("\(folder.path): cannot remove the folder of session \(id): \(FileTrouble(error).text)")
        }
    }

    func processStarted(_ session: String, pid: Int32) {
        send(.started(pid: pid), to: session)
    }

    func processNotStarted(_ session: String, reason: String) {
        // The caller gets the reason for a failed first start; restarts are only logged.
        if let restarts = self.session(session)?.life.restarts, restarts > 0 {
            log("cannot restart session \(session): \(reason)")
        }
        send(.startFailed, to: session)
    }

    func processEnded(_ session: String, pid: Int32, end: ProcessEnd) {
        send(.exited(pid: pid, end), to: session)
    }

    func timersDue(now: Milliseconds) -> Milliseconds? {
        let due = state.withLock { state in
            state.stopping ? [] : state.order.filter { (state.sessions[$0]?.life.due ?? .max) <= now }
        }
        for id in due {
            let actions = state.withLock { state in Self.advance(id, .tick, now, &state) }
            perform(actions, of: id)
        }
        return state.withLock { state in
            state.stopping ? nil : state.sessions.values.compactMap(\.life.due).min()
        }
    }

    /// Takes a host port for each port of the image; takes none and returns nil when there are not enough.
    private static func takePorts(
        for image: Image, from range: ClosedRange<Int>, _ state: inout State
    ) -> [PortMapping]? {
        let wanted = image.description.ports
        guard wanted.count <= range.count - state.takenPorts.count else { return nil }
        return wanted.map { port in
            while state.takenPorts.contains(state.nextPort) { state.nextPort = after(state.nextPort, in: range) }
            let taken = state.nextPort
            state.takenPorts.insert(taken)
            state.nextPort = after(taken, in: range)
            return PortMapping(type: port.type, container: port.number, host: taken)
        }
    }

    private static func after(_ port: Int, in range: ClosedRange<Int>) -> Int {
        port == range.upperBound ? range.lowerBound : port + 1
    }
}
