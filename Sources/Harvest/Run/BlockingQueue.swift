import Dispatch
import Glibc

/// Runs calls that may block on the disk on Dispatch threads, never on the concurrency pool.
struct BlockingQueue: Sendable {
    private let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label, attributes: .concurrent)
    }

    /// Runs a closure and returns or throws its result.
    func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try work() }) }
        }
    }
}

/// A failed system call, described with the system's error text.
struct SystemFailure: Error, CustomStringConvertible {
    var call: String
    var path: String
    var code: Int32

    var description: String { "\(call) \(path): \(SystemFailure.text(code))" }

    /// Whether the disk is full, or a quota or size limit is reached.
    var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

    static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return buffer.withUnsafeBytes { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Returns the failure of a call from the current errno.
    static func last(_ call: String, _ path: String) -> SystemFailure {
        SystemFailure(call: call, path: path, code: errno)
    }
}
