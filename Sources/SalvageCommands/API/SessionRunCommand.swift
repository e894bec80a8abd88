import JSON
import SessionAPI
import Terminal
import Text

extension API {
    struct SessionRun: APIOperationCommand {
        static var name: String { "api session-run" }
        static var abstract: String { "Start a session." }
        static var discussion: String {
            """
            Prints the session's id, host and ports. Without --id, a UUID is generated before the request is sent, \
            so that a retry cannot start a second session.

              salvage api session-run --location europe --image shooter --ttl 2h30m
              salvage api session-run --location europe --image shooter --label a=b
            """
        }
        static var flags: [CommandFlag<Self>] {
            let own: [CommandFlag<Self>] = [
                .text("location", value: "location", "Where to run: a region or data center.", isRequired: true) {
                    $0.location = $1
                },
                .text("image", value: "image", "Name of the image.", isRequired: true) { $0.image = $1 },
                .text("id", value: "id", "The session's id (default: a new UUID).") { $0.id = $1 },
                .text("version", value: "tag", "The image tag to run (default: the tag with the highest priority).") {
                    $0.version = $1
                },
                .texts(
                    "env", value: "key=value",
                    "An environment variable. May be repeated. Session lists show it: do not pass secrets."
                ) { $0.env.append($1) },
                .texts("arg", value: "text", "An argument for the program. May be repeated.", acceptsDash: true) {
                    $0.arguments.append($1)
                },
                .texts("label", value: "key=value", "A label. May be repeated.") { $0.label.append($1) },
                .text("restart", value: "bool", "Restart on failure; --restart=false forbids it.", bareValue: "true") {
                    $0.restart = $1
                },
                .text("ttl", value: "time", "Maximum lifetime in hours and minutes, such as 2h30m.") { $0.ttl = $1 },
                .text("external-id", value: "id", "An id of your own, where the server supports external_id.") {
                    $0.externalID = $1
                },
            ]
            return own + APIOptions.flags.within(\.api)
        }

        var location = ""
        var image = ""
        var id: String?
        var version: String?
        var env: [String] = []
        var arguments: [String] = []
        var label: [String] = []
        var restart: String?
        var ttl: String?
        var externalID: String?
        var api = APIOptions()

        func validate() throws {
            _ = try request()
            guard restart == nil || restart == "true" || restart == "false" else {
                throw Failure.usage(
                    "invalid value '\(Escape.display(restart ?? ""))' for --restart", hint: "true or false")
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
            try await printing { APIObject.line(try await $0.sessionRun(request)) }
        }
    }
}
