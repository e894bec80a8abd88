import ArgumentParser
import SessionAPI

extension API {
    struct JoinSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "join-session", abstract: "Register players with a session.",
            discussion: """
                Prints `count`, the number of players now in the session, and `players`, the players that joined. A \
                player who joins again is counted once. Exits with 1 when there is no such session.

                  salvage api join-session raid-4d10 ann bob
                  {"count":2,"players":["ann","bob"]}
                """)

        @Argument(help: "The session's full id.") var id: String
        @Argument(help: "The players to add.") var players: [String]
        @OptionGroup var options: APIOptions

        func run() async throws {
            try await options.printing { APIObject.line(try await $0.joinSession(id, players: players)) }
        }
    }
}
