import ArgumentParser
import Glibc
import SessionAPI
import Terminal

extension API {
    struct StreamLogs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stream-logs", abstract: "Print what a session wrote to stdout and stderr.",
            discussion: """
                Prints the log unchanged; on a terminal, control characters are escaped. Exits with 1 when there is no \
                such session.

                  salvage api stream-logs raid-4d10
                  salvage api stream-logs --follow raid-4d10 | grep -i error
                """)

        @Argument(help: "The session's full id.") var id: String
        @Flag(name: .shortAndLong, help: "Keep printing new output until the session ends.") var follow = false
        @Flag(help: "Print raw bytes even on a terminal.") var raw = false
        @OptionGroup var options: APIOptions

        func run() async throws {
            let output = Output(options.global)
            let sink = output.sink
            let escapes = !raw && isatty(STDOUT_FILENO) != 0
            try await options.withClient { client in
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
