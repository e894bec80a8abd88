import JSON
import SessionAPI

extension API {
    struct LeaveSession: APIOperationCommand {
        static var name: String { "api leave-session" }
        static var abstract: String { "Remove players from their session." }
        static var discussion: String {
            """
            The API takes no session: each player leaves the session that they are in. Prints `count`, the number \
            of players who remain in those sessions, and `players`, the players named. `count` is 0 when nobody \
            remains, and also when none of the players was in a session.

              salvage api leave-session ann
              {"count":1,"players":["ann"]}
            """
        }
        static var arguments: [CommandArgument<Self>] {
            [
                .list("players", "The players to remove.", isRequired: true) { $0.players.append($1) }
            ]
        }
        static var flags: [CommandFlag<Self>] { APIOptions.flags.within(\.api) }

        var players: [String] = []
        var api = APIOptions()

        func run() async throws {
            try await printing { APIObject.line(try await $0.leaveSession(players: players)) }
        }
    }
}
