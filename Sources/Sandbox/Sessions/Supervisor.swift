import CProcess
import Clocks
import Glibc
import Synchronization

/// A process to start.
struct ProcessPlan: Sendable {
    var session: String
    var executable: String
    /// The image's own file of the executable, named in errors because the operator can fix it.
    var origin: String
    var arguments: [String]
    var environment: [(String, String)]
    var directory: String
    var log: String
}

/// Receives the supervisor's reports, on its thread.
protocol SupervisorDelegate: AnyObject, Sendable {
    func processStarted(_ session: String, pid: Int32)
    func processNotStarted(_ session: String, reason: String)
    func processEnded(_ session: String, pid: Int32, end: ProcessEnd)
    /// Runs the timers that are due and returns when the next is due; nil for never.
    func timersDue(now: Milliseconds) -> Milliseconds?
}

/// One thread that starts, watches and reaps all processes and runs the timers. It also starts them because a child is
/// killed when the thread that created it ends, so that no process outlives the sandbox.
final class Supervisor: Sendable {
    private enum Order: Sendable {
        case start(ProcessPlan, (@Sendable (StartFailure?) -> Void)?)
        case wake
        case end
    }

    private struct State {
        var orders: [Order] = []
    }

    private let state = Mutex(State())
    /// A pipe; a byte written to the second end wakes the thread.
    private let bell: (Int32, Int32)
    private weak let delegate: (any SupervisorDelegate)?

    init(delegate: any SupervisorDelegate) throws(SandboxError) {
        self.delegate = delegate
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SandboxError("no file descriptors left for the supervisor") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        bell = (ends[0], ends[1])
    }

    deinit {
        close(bell.0)
        close(bell.1)
    }

    /// Starts the thread.
    func run() throws(SandboxError) {
        let box = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Supervisor>.fromOpaque(argument).takeRetainedValue().loop()
                return nil
            }, box.toOpaque())
        if failed != 0 {
            box.release()
            throw SandboxError("cannot start the supervisor's thread: error \(failed)")
        }
        pthread_detach(thread)
    }

    /// Starts a process. `done` gets nil or the reason of a failure, after the delegate was called.
    func start(_ plan: ProcessPlan, done: (@Sendable (StartFailure?) -> Void)? = nil) { give(.start(plan, done)) }

    /// Makes the thread check the timers again.
    func wake() { give(.wake) }

    /// Kills every child and ends the thread.
    func end() { give(.end) }

    private func give(_ order: Order) {
        state.withLock { $0.orders.append(order) }
        // A full pipe wakes the thread as well.
        var one: UInt8 = 1
        write(bell.1, &one, 1)
    }

    /// A running child; `pidfd` becomes readable when it ends.
    private struct Child {
        var session: String
        var pid: Int32
        var pidfd: Int32
    }

    private func loop() {
        var children: [Child] = []
        var ending = false
        while !ending {
            let orders = state.withLock { state in
                defer { state.orders.removeAll() }
                return state.orders
            }
            for order in orders {
                switch order {
                case .start(let plan, let done): start(plan, done, &children)
                case .wake: break
                case .end: ending = true
                }
            }
            if ending { break }
            let due = delegate?.timersDue(now: WallClock.now())
            wait(until: due, &children)
        }
        for child in children { kill(-child.pid, SIGKILL) }
        while !children.isEmpty { wait(until: WallClock.now() + 1000, &children) }
        // Late starts must still be completed.
        for case .start(_, let done?) in state.withLock({ $0.orders }) { done(.stopping) }
    }

    private func wait(until due: Milliseconds?, _ children: inout [Child]) {
        let timeout = due.map { Int32(clamping: max(0, $0 &- WallClock.now())) } ?? -1
        var waits = [pollfd(fd: bell.0, events: Int16(POLLIN), revents: 0)]
        for child in children { waits.append(pollfd(fd: child.pidfd, events: Int16(POLLIN), revents: 0)) }
        guard poll(&waits, UInt(waits.count), timeout) > 0 else { return }
        var rung = [UInt8](repeating: 0, count: 256)
        while waits[0].revents != 0, read(bell.0, &rung, rung.count) == rung.count {}
        var alive: [Child] = []
        for (child, wait) in zip(children, waits.dropFirst()) {
            if wait.revents == 0 || !reap(child) { alive.append(child) }
        }
        children = alive
    }

    private func reap(_ child: Child) -> Bool {
        var code: Int32 = 0
        var signal: Int32 = 0
        var dumped: Int32 = 0
        if salvage_reap(child.pid, &code, &signal, &dumped) == EAGAIN { return false }
        close(child.pidfd)
        // Kill its own children too, as in a container.
        kill(-child.pid, SIGKILL)
        let end = ProcessEnd(exitCode: code, signal: signal, dumped: dumped != 0)
        delegate?.processEnded(child.session, pid: child.pid, end: end)
        return true
    }

    private func start(
        _ plan: ProcessPlan, _ done: (@Sendable (StartFailure?) -> Void)?, _ children: inout [Child]
    ) {
        do {
            let child = try Self.spawn(plan)
            children.append(child)
            delegate?.processStarted(plan.session, pid: child.pid)
            done?(nil)
        } catch {
            delegate?.processNotStarted(plan.session, reason: error.text)
            done?(error)
        }
    }

    private static func spawn(_ plan: ProcessPlan) throws(StartFailure) -> Child {
        let log = open(plan.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else {
            let code = errno
            let reason = "\(plan.log): cannot open the log: \(String(cString: strerror(code)))"
            throw [EMFILE, ENFILE, ENOSPC, EDQUOT].contains(code) ? .capacity(reason) : .server(reason)
        }
        defer { close(log) }
        let arguments = CStrings([plan.executable] + plan.arguments)
        let environment = CStrings(plan.environment.map { "\($0.0)=\($0.1)" })
        var pid: pid_t = 0
        var pidfd: Int32 = -1
        let failed = plan.executable.withCString { executable in
            plan.directory.withCString { directory in
                var c = salvage_spawn_plan(
                    executable: executable, arguments: arguments.pointer, environment: environment.pointer,
                    directory: directory, output: log)
                return salvage_spawn(&c, &pid, &pidfd)
            }
        }
        guard failed == 0 else { throw StartFailure(executable: plan.origin, code: failed) }
        return Child(session: plan.session, pid: pid, pidfd: pidfd)
    }
}

/// A null-terminated array of C strings that lives as long as this object.
private final class CStrings {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        pointer = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() { pointer[index] = strdup(text) }
        pointer[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}
