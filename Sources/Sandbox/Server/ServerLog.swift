import Glibc
import NIOPosix
import Text

/// Logs problems that the operator must fix.
struct ServerLog: Sendable {
    private let write: @Sendable (String) -> Void

    init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

    /// Writes one line. Control characters are escaped: texts may hold names chosen by callers.
    func callAsFunction(_ text: String) {
        write(
            text.unicodeScalars.reduce(into: "") { line, scalar in
                let isControl = scalar.properties.generalCategory == .control
                line += isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            })
    }

    /// Writes to standard error from a thread pool, so that a blocked reader does not block requests.
    static let standardError = ServerLog { line in
        NIOThreadPool.singleton.submit { _ in
            var rest = Array("salvage-sandbox: \(line)\n".utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}
