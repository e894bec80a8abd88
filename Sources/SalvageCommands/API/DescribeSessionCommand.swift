import JSON
import SessionAPI

extension API {
    struct DescribeSession: APIOperationCommand {
        static var name: String { "api describe-session" }
        static var abstract: String { "Print what the API knows about one session." }
        static var discussion: String {
            """
            Exits with 1 when there is no such session.

              salvage api describe-session raid-4d10
            """
        }
        static var arguments: [CommandArgument<Self>] { [.one("id", "The session's full id.") { $0.id = $1 }] }
        static var flags: [CommandFlag<Self>] { APIOptions.flags.within(\.api) }

        var id = ""
        var api = APIOptions()

        func run() async throws {
            try await printing { APIObject.line(try await $0.describeSession(id)) }
        }
    }
}
