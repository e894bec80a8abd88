import ArgumentParser
import SessionAPI

extension API {
    struct DescribeSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "describe-session", abstract: "Print what the API knows of one session.",
            discussion: """
                Exits with 1 when there is no such session.

                  salvage api describe-session 7c1e8a52-9f0b-4d3e-8a61-2b5d90c4f713
                """)

        @Argument(help: "The session's full id.") var id: String
        @OptionGroup var options: APIOptions

        func run() async throws {
            try await options.printing { APIObject.line(try await $0.describeSession(id)) }
        }
    }
}
