import ArgumentParser
import SessionAPI
import Terminal

extension API {
    struct SessionRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-run", abstract: "Start a session.",
            discussion: """
                Prints the session's id, host and ports. Without --id, a UUID is generated before the request is sent, \
                so that a retry cannot start a second session.

                  salvage api session-run --location europe --image shooter --ttl 2h30m
                  salvage api session-run --location europe --image shooter --label a=b
                """)

        @Option(help: "Where to run: a region or data center.") var location: String
        @Option(help: "Name of the image.") var image: String
        @Option(help: "The session's id (default: a new UUID).") var id: String?
        @Option(
            help: ArgumentHelp("The image tag to run (default: the tag with the highest priority).", valueName: "tag"))
        var version: String?
        @Option(
            help: ArgumentHelp(
                "An environment variable. May be repeated. Session lists show it: do not pass secrets.",
                valueName: "key=value"))
        var env: [String] = []
        @Option(
            name: .customLong("arg"), parsing: .unconditionalSingleValue,
            help: ArgumentHelp("An argument for the program. May be repeated.", valueName: "text"))
        var arguments: [String] = []
        @Option(help: ArgumentHelp("A label. May be repeated.", valueName: "key=value")) var label: [String] = []
        // A String: given a value that is not a Bool, the argument parser would take a Bool option as the bare flag.
        @Option(
            defaultAsFlag: "true",
            help: ArgumentHelp("Restart on failure; --restart=false forbids it.", valueName: "bool"))
        var restart: String?
        @Option(help: ArgumentHelp("Maximum lifetime in hours and minutes, such as 2h30m.", valueName: "time"))
        var ttl: String?
        @Option(help: ArgumentHelp("An id of your own, where the server supports external_id.", valueName: "id"))
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
            // Before the token is looked up: invalid arguments are a usage error with or without a token.
            try request.check()
            try await options.printing { APIObject.line(try await $0.sessionRun(request)) }
        }
    }
}
