import ArgumentParser
import SessionAPI

extension API {
    struct SessionStop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-stop", abstract: "Stop a session with SIGTERM.",
            discussion: """
                Prints nothing. Exits with 1 when there is no such session, with 2 when it has ended already.

                  salvage api session-stop 7c1e8a52-9f0b-4d3e-8a61-2b5d90c4f713
                """)

        @Argument(help: "The session's full id.") var id: String
        @OptionGroup var options: APIOptions

        func run() async throws { try await options.withClient { try await $0.sessionStop(id) } }
    }
}
