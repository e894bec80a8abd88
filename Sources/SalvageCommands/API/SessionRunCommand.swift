import ArgumentParser
import SessionAPI
import Terminal

extension API {
    struct SessionRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-run", abstract: "Start a session.",
            discussion: """
                Prints the session's id, its host and its ports. Without --id a UUID is made up before the request is \
                sent, so that a request that is repeated cannot start a second session.

                  salvage api session-run --location europe --image shooter --ttl 2h30m
                  salvage api session-run --location europe --image shooter --label a=b
                """)

        @Option(help: "Where to run: a region or data centre.") var location: String
        @Option(help: "Name of the image.") var image: String
        @Option(help: "The session's id; a UUID is made up otherwise.") var id: String?
        @Option(help: ArgumentHelp("The image's version; else the one with the highest priority.", valueName: "tag"))
        var version: String?
        @Option(
            help: ArgumentHelp(
                "An environment variable; may be repeated. Lists show it again: no place for secrets.",
                valueName: "key=value"))
        var env: [String] = []
        @Option(
            name: .customLong("arg"), parsing: .unconditionalSingleValue,
            help: ArgumentHelp("An argument of the program; may be repeated.", valueName: "text"))
        var arguments: [String] = []
        @Option(help: ArgumentHelp("A label; may be repeated.", valueName: "key=value")) var label: [String] = []
        // A text, because the argument parser takes a value that is no Bool for the flag alone.
        @Option(
            defaultAsFlag: "true",
            help: ArgumentHelp("Start again on failure; --restart=false says that it must not.", valueName: "bool"))
        var restart: String?
        @Option(help: ArgumentHelp("Longest life in hours and minutes, such as 2h30m.", valueName: "time"))
        var ttl: String?
        @Option(help: ArgumentHelp("An id of your own, where the server knows external_id.", valueName: "id"))
        var externalID: String?
        @OptionGroup var options: APIOptions

        func validate() throws {
            _ = try request()
            guard restart == nil || restart == "true" || restart == "false" else {
                throw ValidationError("--restart takes true or false, not '\(Escape.display(restart ?? ""))'")
            }
        }

        private func request() throws -> SessionRunRequest {
            SessionRunRequest(
                location: location, image: image, id: id, version: version,
                env: env.isEmpty ? nil : try APIPairs.read(env, "--env"), args: arguments.isEmpty ? nil : arguments,
                labels: label.isEmpty ? nil : try APIPairs.read(label, "--label"),
                restart: restart.map { $0 == "true" }, ttl: ttl,
                externalID: externalID)
        }

        func run() async throws {
            let request = try request()
            // Before the token is looked for: a mistake in the arguments is one with and without it.
            try request.check()
            try await options.printing { APIObject.line(try await $0.sessionRun(request)) }
        }
    }
}
