import ArgumentParser
import Glibc
import Harvest
import SessionAPI
import Terminal
import Text

/// `salvage api`: the ten operations of the Session API by their operationId.
struct API: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Call one operation of the Session API.",
        discussion: """
            Answers are printed as JSON, one object per line, in the API's own form; of the container's environment only \
            GAMEYE_SESSION_ID is shown. The server is SALVAGE_API_URL, or `api: url:` in the config; the token is \
            GAMEYE_API_TOKEN, or `api: token_file:`.
            """,
        subcommands: [
            SessionRun.self, SessionList.self, DescribeSession.self, SessionStop.self, JoinSession.self,
            LeaveSession.self, Artifacts.self, GetAvailableLocations.self, TagExists.self, StreamLogs.self,
        ])

    /// The operationIds, for global flags that stand before the command.
    static let operations = Set(APIOperation.allCases.map(\.rawValue))

    /// Runs one call with a client that is closed afterwards.
    static func withClient<Answer>(
        _ options: GlobalOptions, _ call: (SessionAPIClient) async throws -> Answer
    ) async throws -> Answer {
        let environment = Self.environment
        let flags = Harvest.Configuration.Flags(store: options.store, config: options.config)
        let settings: Harvest.Configuration
        do {
            settings = try Harvest.Configuration.load(flags: flags, environment: environment)
            // Asked for here once, so that a missing token is told in full before anything is sent.
            _ = try APIToken.find(settings, environment: environment)
        } catch {
            let missing = error.code == .tokenMissing || error.code == .tokenRefused
            throw Failure(
                error.code.rawValue, error.message, path: error.path, hint: error.hint,
                status: missing ? .notAuthorised : .failure)
        }
        var configuration = SessionAPIClient.Configuration(baseURL: settings.api.url) {
            try APIToken.find(settings, environment: environment).value
        }
        configuration.userAgent = "salvage/\(salvageVersion)"
        configuration.stallTimeout = .milliseconds(settings.limits.stall)
        let client = try SessionAPIClient(configuration)
        do {
            let answer = try await call(client)
            await client.shutdown()
            return answer
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// The variables that decide about server and token.
    private static var environment: [String: String] {
        let names = [
            "GAMEYE_API_TOKEN", "CREDENTIALS_DIRECTORY", "SALVAGE_API_URL", "SALVAGE_CONFIG", "SALVAGE_STORE",
            "XDG_CONFIG_HOME", "HOME",
        ]
        return Dictionary(
            names.compactMap { name in Environment.value(name).map { (name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Prints one answer as one line of JSON.
    static func print(_ answer: some Encodable, _ output: Output) throws {
        output.text(try APIJSON.line(answer))
    }

    /// `KEY=VALUE` arguments as a map. The API takes one value for each key, so two are a mistake.
    static func pairs(_ arguments: [String], _ flag: String) throws -> [String: String] {
        var pairs: [String: String] = [:]
        for argument in arguments {
            guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else {
                throw ValidationError("\(flag) takes KEY=VALUE, not '\(argument)'")
            }
            let key = String(argument[..<separator])
            let value = String(argument[argument.index(after: separator)...])
            if let other = pairs.updateValue(value, forKey: key), !other.hasSameBytes(as: value) {
                throw ValidationError("\(flag) gives '\(key)' twice: '\(other)' and '\(value)'")
            }
        }
        return pairs
    }
}

extension API {
    struct SessionRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-run", abstract: "Start a session.")

        @Option(help: "Where to run.") var location: String
        @Option(help: "Name of the image.") var image: String
        @Option(help: "The session's id; the server makes one up otherwise.") var id: String?
        @Option(help: ArgumentHelp("The image's version.", valueName: "tag")) var version: String?
        @Option(help: ArgumentHelp("An environment variable; may be repeated.", valueName: "key=value"))
        var env: [String] = []
        @Option(
            name: .customLong("arg"), parsing: .unconditionalSingleValue,
            help: ArgumentHelp("An argument of the program; may be repeated.", valueName: "text"))
        var arguments: [String] = []
        @Option(help: ArgumentHelp("A label; may be repeated.", valueName: "key=value")) var label: [String] = []
        @Flag(help: "Start again on failure.") var restart = false
        @Option(help: ArgumentHelp("Longest life, such as 2h30m.", valueName: "time")) var ttl: String?
        @Option(help: ArgumentHelp("An id of your own.", valueName: "id")) var externalID: String?
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let request = SessionRunRequest(
                location: location, image: image, id: id, version: version,
                env: env.isEmpty ? nil : try API.pairs(env, "--env"), args: arguments.isEmpty ? nil : arguments,
                labels: label.isEmpty ? nil : try API.pairs(label, "--label"), restart: restart ? true : nil, ttl: ttl,
                externalID: externalID)
            let output = Output(options)
            try API.print(try await API.withClient(options) { try await $0.sessionRun(request) }, output)
            try output.finish()
        }
    }

    struct SessionList: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-list", abstract: "List sessions, one per line.")

        @Flag(help: "Sessions of every status, not only running ones.") var all = false
        @Option(help: "Only this location.") var location: String?
        @Option(help: "Only this image.") var image: String?
        @Option(help: "Only this version.") var tag: String?
        @Option(help: ArgumentHelp("Only this host.", valueName: "address")) var host: String?
        @Option(help: ArgumentHelp("Only with fewer players.", valueName: "n")) var playersLt: Int?
        @Option(help: ArgumentHelp("Only with more players.", valueName: "n")) var playersGt: Int?
        @Option(help: ArgumentHelp("Only with this label; may be repeated.", valueName: "key=value"))
        var filter: [String] = []
        @Option(help: ArgumentHelp("Only without it, where the server knows filterNot.", valueName: "key=value"))
        var filterNot: [String] = []
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let query = SessionListQuery(
                all: all ? true : nil, location: location, image: image, tag: tag, host: host,
                playersLessThan: playersLt, playersGreaterThan: playersGt,
                filter: try API.pairs(filter, "--filter"), filterNot: try API.pairs(filterNot, "--filter-not"))
            let output = Output(options)
            var failure: (any Error)?
            let summary = try await API.withClient(options) { client in
                try await client.sessionList(query) { entry in
                    do { try API.print(entry, output) } catch { failure = error }
                }
            }
            if let failure { throw failure }
            try output.finish()
            guard summary.rejected == 0 else {
                let first = summary.damaged.first { !$0.wasTaken }
                let place = first.map { entry in
                    ", the first at byte \(entry.offset)\(entry.id.map { " (session \($0))" } ?? ""): \(entry.reason)"
                }
                throw Failure(
                    "entries_left_out", "\(summary.rejected) entries of the list cannot be read\(place ?? "")",
                    status: .partial)
            }
        }
    }

    struct DescribeSession: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "describe-session", abstract: "Print what the API knows of one session.")

        @Argument(help: "The session's full id.") var id: String
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let output = Output(options)
            try API.print(try await API.withClient(options) { try await $0.describeSession(id) }, output)
            try output.finish()
        }
    }

    struct SessionStop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "session-stop", abstract: "Stop a session with SIGTERM.")

        @Argument(help: "The session's full id.") var id: String
        @OptionGroup var options: GlobalOptions

        func run() async throws { try await API.withClient(options) { try await $0.sessionStop(id) } }
    }
}
