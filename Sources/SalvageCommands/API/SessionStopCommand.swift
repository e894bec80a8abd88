import SessionAPI

extension API {
    struct SessionStop: APIOperationCommand {
        static var name: String { "api session-stop" }
        static var abstract: String { "Stop a session with SIGTERM." }
        static var discussion: String {
            """
            Prints nothing. Exits with 1 when there is no such session, with 2 when it has already ended.

              salvage api session-stop raid-4d10
            """
        }
        static var arguments: [CommandArgument<Self>] { [.one("id", "The session's full id.") { $0.id = $1 }] }
        static var flags: [CommandFlag<Self>] { APIOptions.flags.within(\.api) }

        var id = ""
        var api = APIOptions()

        func run() async throws { try await withClient { try await $0.sessionStop(id) } }
    }
}
