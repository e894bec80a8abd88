import JSON
import SessionAPI

extension API {
    struct JoinSession: APIOperationCommand {
        static var name: String { "api join-session" }
        static var abstract: String { "Register players with a session." }
        static var discussion: String {
            """
            Prints `count`, the number of players now in the session, and `players`, the players that joined. A \
            player who joins again is counted once. Exits with 1 when there is no such session.

              salvage api join-session raid-4d10 ann bob
              {"count":2,"players":["ann","bob"]}
            """
        }
        static var arguments: [CommandArgument<Self>] {
            [
                .one("id", "The session's full id.") { $0.id = $1 },
                .list("players", "The players to add.", isRequired: true) { $0.players.append($1) },
            ]
        }
        static var flags: [CommandFlag<Self>] { APIOptions.flags.within(\.api) }

        var id = ""
        var players: [String] = []
        var api = APIOptions()

        func run() async throws {
            try await printing { APIObject.line(try await $0.joinSession(id, players: players)) }
        }
    }
}
