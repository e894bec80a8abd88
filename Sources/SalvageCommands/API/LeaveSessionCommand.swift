import ArgumentParser
import SessionAPI

extension API {
    struct LeaveSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "leave-session", abstract: "Remove players from their session.",
            discussion: """
                The API takes no session here: players leave whichever they are in. Prints `count`, the number of players \
                who remain in the sessions that these players left, and `players`, those named. The count is 0 when \
                nobody remains, and also when none of them was in a session.

                  salvage api leave-session ann
                  {"count":1,"players":["ann"]}
                """)

        @Argument(help: "The players.") var players: [String]
        @OptionGroup var options: APIOptions

        func run() async throws {
            try await options.printing { APIObject.line(try await $0.leaveSession(players: players)) }
        }
    }
}
