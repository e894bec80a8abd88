import Glibc

/// A failed system call, described with the system's error text.
package struct SystemFailure: Error, CustomStringConvertible {
    /// The name of the call.
    package var call: String
    /// What it was called on.
    package var path: String
    /// The value of errno.
    package var code: Int32

    /// Describes one failed call.
    package init(call: String, path: String, code: Int32) {
        self.call = call
        self.path = path
        self.code = code
    }

    /// The call, what it was called on, and the system's text.
    package var description: String { "\(call) \(path): \(SystemFailure.text(code))" }

    /// Whether the disk is full, or a quota or size limit is reached.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

    /// The system's text for an errno.
    package static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return buffer.withUnsafeBytes { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Returns the failure of a call from the current errno.
    package static func last(_ call: String, _ path: String) -> SystemFailure {
        SystemFailure(call: call, path: path, code: errno)
    }
}
