internal import Dispatch

/// Runs calls that may block, such as on the disk or on a server, on Dispatch threads, never on the concurrency pool.
package struct BlockingQueue: Sendable {
    private let queue: DispatchQueue

    /// Makes a queue.
    package init(label: String) {
        queue = DispatchQueue(label: label, attributes: .concurrent)
    }

    /// Runs a closure and returns or throws its result.
    package func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try work() }) }
        }
    }
}
