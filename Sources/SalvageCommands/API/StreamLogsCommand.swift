import Glibc
import SessionAPI
import Terminal
import Text

extension API {
    struct StreamLogs: APIOperationCommand {
        static var name: String { "api stream-logs" }
        static var abstract: String { "Print what a session wrote to stdout and stderr." }
        static var discussion: String {
            """
            Prints the log unchanged; on a terminal, control characters are escaped. Exits with 1 when there is no \
            such session.

              salvage api stream-logs raid-4d10
              salvage api stream-logs --follow raid-4d10 | grep -i error
            """
        }
        static var arguments: [CommandArgument<Self>] { [.one("id", "The session's full id.") { $0.id = $1 }] }
        static var flags: [CommandFlag<Self>] {
            let own: [CommandFlag<Self>] = [
                .toggle("follow", "f", "Keep printing new output until the session ends.") { $0.follow = true },
                .toggle("raw", nil, "Print raw bytes even on a terminal.") { $0.raw = true },
            ]
            return own + APIOptions.flags.within(\.api)
        }

        var id = ""
        var follow = false
        var raw = false
        var api = APIOptions()

        func run() async throws {
            let output = Output(options)
            let sink = output.sink
            let escapes = !raw && isatty(STDOUT_FILENO) != 0
            try await withClient { client in
                for try await chunk in try await client.streamLogs(session: id, follow: follow) {
                    if escapes {
                        sink.write(Self.escaped(chunk.bytes))
                    } else {
                        chunk.withUnsafeBytes { sink.write($0) }
                    }
                    if follow { sink.flush() }
                    if sink.isClosed { return }
                }
            }
            try output.finish()
        }

        /// Escapes the control characters in a piece of a log, except line breaks.
        private static func escaped(_ bytes: [UInt8]) -> String {
            bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .map { Escape.display($0) }.joined(separator: "\n")
        }
    }
}
