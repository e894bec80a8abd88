import ArgumentParser
import SessionAPI

extension API {
    struct DescribeSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "describe-session", abstract: "Print what the API knows about one session.",
            discussion: """
                Exits with 1 when there is no such session.

                  salvage api describe-session raid-4d10
                """)

        @Argument(help: "The session's full id.") var id: String
        @OptionGroup var options: APIOptions

        func run() async throws {
            try await options.printing { APIObject.line(try await $0.describeSession(id)) }
        }
    }
}
