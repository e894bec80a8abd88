/// The status of a session as the API names it.
enum SessionStatus: String, Sendable, CaseIterable {
    case created
    case running
    case restarting
    case exited
    case dead
    case draining
    case shuttingDown = "shuttingdown"
    case serverUnreachable = "server_unreachable"
}

/// How a process ended.
struct ProcessEnd: Sendable, Equatable {
    var exitCode: Int32
    /// 0 when it exited by itself.
    var signal: Int32
    var dumped: Bool

    var failed: Bool { exitCode != 0 || signal != 0 }
}

/// The life of one session as a pure state machine: an event changes the state and returns the actions to perform. It
/// performs nothing and reads no clock.
struct SessionLife: Sendable, Equatable {
    struct Policy: Sendable, Equatable {
        var restart = false
        /// Nil for no limit.
        var ttl: Milliseconds?
        var grace: Milliseconds
        var restartDelay: Milliseconds
        var retention: Milliseconds
    }

    enum Phase: Sendable, Equatable {
        case created
        case running(pid: Int32)
        /// Waiting for the restart.
        case restarting(at: Milliseconds)
        /// SIGTERM was sent; SIGKILL follows at `kill`.
        case stopping(pid: Int32, kill: Milliseconds)
        case ended(at: Milliseconds)
        case removed(at: Milliseconds)
    }

    enum Event: Sendable, Equatable {
        case started(pid: Int32)
        case startFailed
        case exited(pid: Int32, ProcessEnd)
        case stop
        case tick
        case remove
    }

    enum Action: Sendable, Equatable {
        case start
        case signal(pid: Int32, Int32)
        case removeFolder
    }

    private(set) var phase = Phase.created
    private(set) var end: ProcessEnd?
    private(set) var restarts = 0
    private var expires: Milliseconds?
    let policy: Policy

    init(policy: Policy, now: Milliseconds) {
        self.policy = policy
        expires = policy.ttl.map { now &+ $0 }
    }

    var status: SessionStatus {
        switch phase {
        case .created: .created
        case .running: .running
        case .restarting: .restarting
        case .stopping: .shuttingDown
        case .ended, .removed: .exited
        }
    }

    var endedAt: Milliseconds? { if case .ended(let at) = phase { at } else { nil } }
    var removedAt: Milliseconds? { if case .removed(let at) = phase { at } else { nil } }

    var isOver: Bool {
        switch phase {
        case .ended, .removed: true
        default: false
        }
    }

    /// When `tick` is due next; nil for never.
    var due: Milliseconds? {
        switch phase {
        case .created, .running: expires
        case .restarting(let at): expires.map { min(at, $0) } ?? at
        case .stopping(_, let kill): kill
        case .ended(let at): at &+ policy.retention
        case .removed: nil
        }
    }

    mutating func handle(_ event: Event, now: Milliseconds) -> [Action] {
        switch (phase, event) {
        case (.created, .started(let pid)), (.restarting, .started(let pid)):
            phase = .running(pid: pid)
        case (.created, .startFailed), (.restarting, .startFailed):
            end = ProcessEnd(exitCode: 127, signal: 0, dumped: false)
            phase = .ended(at: now)
        // Stopped while it was being started: the process exists now, so kill it.
        case (.ended, .started(let pid)), (.removed, .started(let pid)):
            return [.signal(pid: pid, 9)]
        case (.running(let running), .exited(let pid, let end)):
            // The process of an earlier session of the same id may end late.
            guard pid == running else { break }
            self.end = end
            if policy.restart, end.failed {
                restarts += 1
                phase = .restarting(at: now &+ policy.restartDelay)
            } else {
                phase = .ended(at: now)
            }
        case (.stopping(let running, _), .exited(let pid, let end)):
            guard pid == running else { break }
            self.end = end
            phase = .ended(at: now)
        case (.running(let pid), .stop):
            return stop(pid, now)
        case (.created, .stop), (.restarting, .stop):
            phase = .ended(at: now)
        case (_, .remove):
            return remove(now)
        case (_, .tick):
            return tick(now)
        default: break
        }
        return []
    }

    private mutating func tick(_ now: Milliseconds) -> [Action] {
        guard let due, due <= now else { return [] }
        switch phase {
        case .running(let pid): return stop(pid, now)
        case .created:
            phase = .ended(at: now)
        case .restarting(let at):
            if at <= now, expires.map({ now < $0 }) ?? true {
                // Not due again until the start is reported.
                phase = .restarting(at: .max)
                return [.start]
            }
            phase = .ended(at: now)
        case .stopping(let pid, _):
            phase = .stopping(pid: pid, kill: .max)
            return [.signal(pid: pid, 9)]
        case .ended: return remove(now)
        case .removed: break
        }
        return []
    }

    private mutating func stop(_ pid: Int32, _ now: Milliseconds) -> [Action] {
        phase = .stopping(pid: pid, kill: now &+ policy.grace)
        return [.signal(pid: pid, 15)]
    }

    private mutating func remove(_ now: Milliseconds) -> [Action] {
        switch phase {
        case .removed: return []
        case .running(let pid), .stopping(let pid, _):
            phase = .removed(at: now)
            return [.signal(pid: pid, 9), .removeFolder]
        default:
            phase = .removed(at: now)
            return [.removeFolder]
        }
    }
}
