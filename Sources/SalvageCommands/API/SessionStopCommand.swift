import ArgumentParser
import SessionAPI

extension API {
    struct SessionStop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-stop", abstract: "Stop a session with SIGTERM.",
            discussion: """
                Prints nothing. Exits with 1 when there is no such session, with 2 when it has already ended.

                  salvage api session-stop raid-4d10
                """)

        @Argument(help: "The session's full id.") var id: String
        @OptionGroup var options: APIOptions

        func run() async throws { try await options.withClient { try await $0.sessionStop(id) } }
    }
}
