import Dispatch

/// Runs work that blocks on a thread of its own.
///
/// A call on a shared store waits for answers that arrive on Swift's concurrency pool. Made on a thread of that pool, which has
/// as many as there are processors, it would wait for itself.
enum OwnThread {
    private static let queue = DispatchQueue(label: "salvage.command", attributes: .concurrent)

    /// Runs a closure and returns or throws its result.
    static func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try work() }) }
        }
    }
}
