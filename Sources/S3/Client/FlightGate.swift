internal import Synchronization

/// Holds requests back until ``FlightControl`` admits them.
final class FlightGate: Sendable {
    private struct State {
        var control: FlightControl
        var waiting: [FlightControl.Ticket: CheckedContinuation<Bool, Never>] = [:]
        /// Tickets whose task was cancelled before it waited.
        var abandoned: Set<FlightControl.Ticket> = []
        /// Tickets that were admitted before their task waited.
        var admittedEarly: Set<FlightControl.Ticket> = []
    }

    private enum Entry {
        case admitted
        case waits(FlightControl.Ticket)
    }

    private let state: Mutex<State>

    init(most: Int) { state = Mutex(State(control: FlightControl(most: most))) }

    /// The most requests that are sent at once now.
    var limit: Int { state.withLock { Int($0.control.limit) } }

    /// Waits for leave to send; false if the task was cancelled meanwhile. ``leave(isSlowed:)`` must follow true.
    func enter() async -> Bool {
        let entry = state.withLock { state in state.control.enter().map { Entry.waits($0) } ?? .admitted }
        guard case .waits(let ticket) = entry else { return true }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver: Bool? = state.withLock { state in
                    if state.abandoned.remove(ticket) != nil { return false }
                    // Admitted between the two locks.
                    if state.admittedEarly.remove(ticket) != nil { return true }
                    state.waiting[ticket] = continuation
                    return nil
                }
                if let isOver { continuation.resume(returning: isOver) }
            }
        } onCancel: {
            let continuation: CheckedContinuation<Bool, Never>? = state.withLock { state in
                guard state.control.abandon(ticket) else { return nil }
                if let waiting = state.waiting.removeValue(forKey: ticket) { return waiting }
                state.abandoned.insert(ticket)
                return nil
            }
            continuation?.resume(returning: false)
        }
    }

    /// Ends a request.
    func leave(isSlowed: Bool) {
        let admitted = state.withLock { state in
            state.control.leave(isSlowed: isSlowed).compactMap { ticket in
                let continuation = state.waiting.removeValue(forKey: ticket)
                if continuation == nil { state.admittedEarly.insert(ticket) }
                return continuation
            }
        }
        for continuation in admitted { continuation.resume(returning: true) }
    }
}
