import Glibc
import Synchronization
import Text

/// All real sessions, and the one place where their state changes.
final class Registry: SupervisorDelegate {
    private struct State {
        var sessions: ByteDictionary<Session> = [:]
        /// In the order they were made, for lists.
        var order: [String] = []
        var takenPorts: Set<Int> = []
        var nextPort: Int
        var number = 0
        /// Plans of sessions that may start again.
        var plans: ByteDictionary<ProcessPlan> = [:]
        var stopping = false
    }

    private let configuration: SandboxConfiguration
    private let state: Mutex<State>
    private let supervisorBox = Mutex<Supervisor?>(nil)

    init(configuration: SandboxConfiguration) {
        self.configuration = configuration
        state = Mutex(State(nextPort: configuration.ports.lowerBound))
    }

    private var supervisor: Supervisor? { supervisorBox.withLock { $0 } }

    /// Starts the supervisor; without it nothing runs.
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

    /// Nil when there never was one.
    func isOver(_ id: String) -> Bool? { state.withLock { $0.sessions[id]?.life.isOver } }

    /// Those that were removed included: a fault may ask for them.
    func all() -> [Session] { state.withLock { state in state.order.compactMap { state.sessions[$0] } } }

    /// Reserves the id and the ports.
    /// - Returns: nil when the id is taken by a session whose container still exists, or no ports are left.
    func admit(_ request: RunRequest, id: String, image: Image, host: String, ttl: Milliseconds?) -> Session? {
        let now = Moment.now()
        return state.withLock { state in
            if let old = state.sessions[id], old.life.removedAt == nil { return nil }
            guard let ports = Self.takePorts(for: image, from: configuration.ports, &state) else { return nil }
            Self.forgetOldest(&state)
            state.number += 1
            let policy = SessionLife.Policy(
                restart: request.restart, ttl: ttl,
                grace: SandboxConfiguration.milliseconds(configuration.stopGrace),
                restartDelay: SandboxConfiguration.milliseconds(configuration.restartDelay),
                retention: configuration.retentionMilliseconds)
            let session = Session(
                id: id, request: request, image: image, host: host, created: now, ports: ports,
                env: Self.environment(request, id: id, image: image, host: host, ports: ports),
                folder: SessionFolder(base: configuration.root, number: state.number, id: id),
                life: SessionLife(policy: policy, now: now))
            if state.sessions[id] != nil { state.order.removeAll { $0.hasSameBytes(as: id) } }
            state.sessions[id] = session
            state.order.append(id)
            return session
        }
    }

    /// Removed sessions are remembered, because faults may list them and a 404 tells gone from never; not without end.
    private static func forgetOldest(_ state: inout State) {
        guard state.order.count >= 10_000 else { return }
        let old = ByteSet(state.order.filter { state.sessions[$0]?.life.removedAt != nil }.prefix(5000))
        state.order.removeAll { old.contains($0) }
        for id in old { state.sessions[id] = nil }
    }

    /// Forgets a session that never came to be.
    func withdraw(_ id: String) {
        state.withLock { state in
            guard let session = state.sessions.removeValue(forKey: id) else { return }
            state.order.removeAll { $0.hasSameBytes(as: id) }
            state.takenPorts.subtract(session.ports.map(\.host))
        }
    }

    /// Starts the process; returns nil or why it did not start.
    func start(_ session: Session, executable: String) async -> String? {
        let work = session.folder.root + "/" + (session.image.description.workdir ?? "")
        let plan = ProcessPlan(
            session: session.id, executable: executable,
            arguments: (session.image.description.args ?? []) + session.request.args,
            environment: session.env + [
                ("SANDBOX_ROOT", session.folder.root), ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ],
            directory: work, log: session.folder.log)
        state.withLock { $0.plans[session.id] = plan }
        guard let supervisor else { return "the sandbox is stopping" }
        return await withCheckedContinuation { continuation in
            supervisor.start(plan) { continuation.resume(returning: $0) }
        }
    }

    /// - Returns: nil when there is no such session, false when it had ended already.
    func stop(_ id: String) -> Bool? {
        let known: Bool? = state.withLock { state in
            guard let session = state.sessions[id], session.life.removedAt == nil else { return nil }
            return !session.life.isOver
        }
        if known == true { send(.stop, to: id) }
        return known
    }

    /// Removes the container at once, killing its process if it still runs.
    func remove(_ id: String) -> Bool {
        guard view(id)?.removed == nil, view(id) != nil else { return false }
        send(.remove, to: id)
        return true
    }

    func signal(_ id: String, _ number: Int32) -> Bool {
        guard case .running(let pid) = session(id)?.life.phase, (1...64).contains(number) else { return false }
        return kill(pid, number) == 0
    }

    /// Changes the players of one session, or of every session that is not over.
    func players<Result: Sendable>(
        of id: String?, _ change: @Sendable (inout [String]) -> Result
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
        let now = Moment.now()
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
                // A request to end goes to the process alone, as Docker sends it; the end itself takes all with it.
                // The group exists until its leader is reaped, which only the supervisor does.
                kill(number == SIGKILL ? -pid : pid, number)
            case .removeFolder:
                session(id)?.folder.remove()
            }
        }
    }

    func processStarted(_ session: String, pid: Int32) {
        send(.started(pid: pid), to: session)
    }

    func processNotStarted(_ session: String, reason: String) {
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

    private static func takePorts(
        for image: Image, from range: ClosedRange<Int>, _ state: inout State
    ) -> [PortMapping]? {
        var mappings: [PortMapping] = []
        for port in image.ports {
            var candidate = state.nextPort
            var tries = 0
            while state.takenPorts.contains(candidate) {
                candidate = candidate == range.upperBound ? range.lowerBound : candidate + 1
                tries += 1
                if tries > range.count { return nil }
            }
            state.takenPorts.insert(candidate)
            state.nextPort = candidate == range.upperBound ? range.lowerBound : candidate + 1
            mappings.append(PortMapping(type: port.type, container: port.number, host: candidate))
        }
        return mappings
    }

    private static func environment(
        _ request: RunRequest, id: String, image: Image, host: String, ports: [PortMapping]
    ) -> [(String, String)] {
        var all = (image.description.env ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        all += request.env
        let ours: [(String, String)] =
            [("GAMEYE_SESSION_ID", id), ("GAMEYE_HOST", host), ("GAMEYE_LOCATION", request.location)]
            + ports.map { ("GAMEYE_PORT_\($0.type.uppercased())_\($0.container)", String($0.host)) }
        // The platform's own win, and a later one of the same name wins over an earlier.
        var seen: Set<String> = []
        var unique: [(String, String)] = []
        for pair in (ours.reversed() + all.reversed()) where seen.insert(pair.0).inserted { unique.append(pair) }
        return unique.reversed()
    }
}
