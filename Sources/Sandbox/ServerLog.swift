import Glibc
import NIOPosix
import Text

/// Where a server says what its operator must mend.
struct ServerLog: Sendable {
    private let write: @Sendable (String) -> Void

    init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

    /// One line. Names that callers and files chose are shown without control characters.
    func callAsFunction(_ text: String) {
        write(
            text.unicodeScalars.reduce(into: "") { line, scalar in
                let isControl = scalar.properties.generalCategory == .control
                line += isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            })
    }

    /// Standard error, written where a reader that has stopped reading holds up no request.
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
