internal import Synchronization

/// The time limit of one call, counted from its start.
struct CallLimit: Sendable, CustomStringConvertible {
    let length: Duration
    let end: ContinuousClock.Instant

    /// Starts the limit now; nil when `length` is nil.
    init?(_ length: Duration?) {
        guard let length else { return nil }
        self.length = length
        end = .now + length
    }

    /// Whether the limit has passed.
    var isOver: Bool { .now >= end }

    /// The text for an error message.
    var description: String { "the call did not finish within \(length)" }
}

/// The time limit of a call has passed.
struct CallOverdue: Error {}

/// Runs work that may ignore cancellation or never end, and waits for it only until `end` or until the calling task is
/// cancelled. Then the work is cancelled and left behind.
/// - Throws: ``CallOverdue`` at `end`, `CancellationError`, or the error of the work.
func untilDone<Value: Sendable>(
    by end: ContinuousClock.Instant?, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let outcome = FirstOutcome<Value>()
    let worker = Task {
        do { outcome.settle(.success(try await work())) } catch { outcome.settle(.failure(error)) }
    }
    let alarm = end.map { end in
        Task {
            try await Task.sleep(until: end, clock: .continuous)
            outcome.settle(.failure(CallOverdue()))
        }
    }
    defer {
        worker.cancel()
        alarm?.cancel()
    }
    return try await withTaskCancellationHandler {
        try await outcome.value
    } onCancel: {
        outcome.settle(.failure(CancellationError()))
    }
}

/// Holds the first of several outcomes, and the one task that waits for it.
private final class FirstOutcome<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, any Error>)
        case settled(Result<Value, any Error>)
    }

    private let state = Mutex<State>(.open)

    var value: Value {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let settled: Result<Value, any Error>? = state.withLock { state in
                    if case .settled(let result) = state { return result }
                    state = .awaited(continuation)
                    return nil
                }
                if let settled { continuation.resume(with: settled) }
            }
        }
    }

    func settle(_ result: Result<Value, any Error>) {
        let waiting: CheckedContinuation<Value, any Error>? = state.withLock { state in
            switch state {
            case .open:
                state = .settled(result)
                return nil
            case .awaited(let continuation):
                state = .settled(result)
                return continuation
            case .settled: return nil
            }
        }
        waiting?.resume(with: result)
    }
}
