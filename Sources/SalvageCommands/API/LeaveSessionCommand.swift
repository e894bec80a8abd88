import ArgumentParser
import SessionAPI

extension API {
    struct LeaveSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "leave-session", abstract: "Remove players from their session.",
            discussion: """
                The API takes no session: each player leaves the session that they are in. Prints `count`, the number \
                of players who remain in those sessions, and `players`, the players named. `count` is 0 when nobody \
                remains, and also when none of the players was in a session.

                  salvage api leave-session ann
                  {"count":1,"players":["ann"]}
                """)

        @Argument(help: "The players to remove.") var players: [String]
        @OptionGroup var options: APIOptions

        func run() async throws {
            try await options.printing { APIObject.line(try await $0.leaveSession(players: players)) }
        }
    }
}
