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
        /// When sessions of the last minute were started, oldest first.
        var starts: [Milliseconds] = []
        /// Whose turn it is among the places of a name, by that name.
        var turns: ByteDictionary<Int> = [:]
        /// Plans of sessions that may start again.
        var plans: ByteDictionary<ProcessPlan> = [:]
        var stopping = false
    }

    /// The answer to a request for a session.
    enum Admission {
        case admitted(Session)
        /// The id belongs to a session whose container still exists.
        case taken
        /// No room; `retryAfter` is in seconds, nil when nobody knows.
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

    /// Reserves the id, a place and the ports.
    func admit(_ request: RunRequest, id: String, choice: Hosting.Choice) -> Admission {
        let now = Moment.now()
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

    /// Nil when one more session may start.
    private func refusal(_ now: Milliseconds, _ state: inout State) -> Admission? {
        if let limit = configuration.startsPerMinute {
            let window = SandboxConfiguration.milliseconds(configuration.minute)
            state.starts.removeAll { $0 &+ window <= now }
            if state.starts.count >= limit {
                let wait = state.starts.first.map { max(1, Int(($0 &+ window &- now &+ 999) / 1000)) }
                return .full(reason: "\(limit) sessions may start per minute.", retryAfter: wait)
            }
        } else {
            state.starts.removeAll()
        }
        if let limit = configuration.maximumSessions {
            let running = state.sessions.values.count { !$0.life.isOver }
            if running >= limit {
                return .full(reason: "\(running) sessions run, and no more than \(limit) may.", retryAfter: nil)
            }
        }
        return nil
    }

    /// Removed sessions are remembered, because faults may list them and a 404 tells gone from never; not without end.
    private static func forgetOldest(_ state: inout State) {
        guard state.order.count >= 10_000 else { return }
        let old = ByteSet(state.order.filter { state.sessions[$0]?.life.removedAt != nil }.prefix(5000))
        state.order.removeAll { old.contains($0) }
        for id in old { state.sessions[id] = nil }
    }

    /// Forgets a session that never came to be.
    func withdraw(_ session: Session) {
        state.withLock { state in
            guard state.sessions.removeValue(forKey: session.id) != nil else { return }
            state.order.removeAll { $0.hasSameBytes(as: session.id) }
            state.plans[session.id] = nil
            state.takenPorts.subtract(session.ports.map(\.host))
            if let index = state.starts.lastIndex(of: session.created) { state.starts.remove(at: index) }
        }
    }

    /// Starts the process; returns nil or why it did not start.
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
                removeFolder(of: id)
            }
        }
    }

    private func removeFolder(of id: String) {
        guard let folder = session(id)?.folder else { return }
        do {
            try folder.remove()
        } catch {
            log("\(folder.path): the folder of session \(id) could not be removed: \(FileTrouble(error).text)")
        }
    }

    func processStarted(_ session: String, pid: Int32) {
        send(.started(pid: pid), to: session)
    }

    func processNotStarted(_ session: String, reason: String) {
        // Whoever asked for the first start gets the reason as an answer.
        if let restarts = self.session(session)?.life.restarts, restarts > 0 {
            log("session \(session) could not be restarted: \(reason)")
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

    /// Takes none when there are not enough.
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
