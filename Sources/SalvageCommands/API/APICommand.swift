import Glibc
import Harvest
import JSON
import Model
import SalvageConfiguration
import SessionAPI
import Store
import Terminal
import Text

/// `salvage api`: the ten operations of the Session API by their operationId.
enum API {
    /// The operations as commands, for the table.
    static var noun: CommandNoun {
        CommandNoun(
            word: "api", abstract: "Call one operation of the Session API.", discussion: discussion,
            commands: [
                .network(SessionRun.self), .network(SessionList.self), .network(DescribeSession.self),
                .network(SessionStop.self), .network(JoinSession.self), .network(LeaveSession.self),
                .network(Artifacts.self), .network(GetAvailableLocations.self), .network(TagExists.self),
                .network(StreamLogs.self),
            ])
    }

    private static let discussion = """
        Prints responses as JSON, one object per line, with the API's field names in its documented order. Of the \
        container's environment only GAMEYE_SESSION_ID is shown. The server is --url or --server, else \
        SALVAGE_API_URL, else `api: url:` in the config; the token is GAMEYE_API_TOKEN, else the systemd \
        credential `token`, else the file that api.token_file names.

        Exit codes: 1 when there is no such session, image or path; 64 when the API would reject the arguments; 75 \
        when the same call may work later; 77 when the token is rejected. `salvage --json api …` prints an error \
        as one JSON object with the server's code, status, identifier, details, path, timestamp and violations.
        """

    /// Runs one call with a client and closes the client. `url` overrides the configured address.
    static func withClient<Answer>(
        _ options: GlobalOptions, url: String? = nil, _ call: (SessionAPIClient) async throws -> Answer
    ) async throws -> Answer {
        let environment = Self.environment
        let flags = SalvageConfiguration.Configuration.Flags(store: options.store, config: options.config)
        let configuration = try SalvageConfiguration.Configuration.load(flags: flags, environment: environment)
        do {
            return try await APICall.run(
                configuration, at: url, environment: environment, userAgent: "salvage/\(salvageVersion)", call)
        } catch let error as APIError {
            throw Failure(error, at: url ?? configuration.api.url)
        }
    }

    /// The environment variables that select the server and the token.
    private static var environment: [String: String] {
        let names = [
            "GAMEYE_API_TOKEN", "CREDENTIALS_DIRECTORY", "SALVAGE_API_URL", "SALVAGE_CONFIG", "SALVAGE_STORE",
            "XDG_CONFIG_HOME", "HOME",
        ]
        return Dictionary(
            names.compactMap { name in Environment.value(name).map { (name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}

/// The flags that every operation takes.
struct APIOptions {
    var url: String?
    var server: APIServerName?
    var global = GlobalOptions()

    static var flags: [CommandFlag<Self>] {
        let all: [CommandFlag<Self>] = [
            .text(
                "url", value: "address",
                "The API's address (else --server, SALVAGE_API_URL, or `api: url:` in the config)."
            ) { $0.url = $1 },
            .choice("server", value: "name", "The API server by name: \(APIServerName.list).") { $0.server = $1 },
        ]
        return all.under("Server")
    }
}

/// A command that calls one operation.
protocol APIOperationCommand: AsyncCommand {
    var api: APIOptions { get set }
}

extension APIOperationCommand {
    var options: GlobalOptions {
        get { api.global }
        set { api.global = newValue }
    }

    /// Runs one call against the server that the flags name, or the configured one.
    func withClient<Answer>(_ call: (SessionAPIClient) async throws -> Answer) async throws -> Answer {
        if api.url != nil, api.server != nil {
            throw Failure.usage("--url and --server both name a server", hint: "give one of them")
        }
        return try await API.withClient(options, url: api.url ?? api.server?.address, call)
    }

    /// Calls one operation and prints its response as one line.
    func printing(_ call: (SessionAPIClient) async throws -> JSONLine) async throws {
        let output = Output(options)
        output.line(try await withClient(call))
        try output.finish()
    }
}

/// The values of `--server`, each with its address.
enum APIServerName: String, CaseIterable {
    case sandbox, production, legacy

    static let list =
        "sandbox (\(SessionAPIServer.sandbox.url)), production (\(SessionAPIServer.production.url)) or "
        + "legacy (\(SessionAPIServer.legacy.url))"

    var address: String {
        switch self {
        case .sandbox: SessionAPIServer.sandbox.url
        case .production: SessionAPIServer.production.url
        case .legacy: SessionAPIServer.legacy.url
        }
    }
}

/// `KEY=VALUE` arguments. The API takes one value for each key, so a key given twice is an error.
enum APIPairs {
    static func read(_ arguments: [String], _ flag: String) throws -> [String: String] {
        var pairs: [String: String] = [:]
        for argument in arguments {
            guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else {
                throw Failure.usage(
                    "invalid value '\(Escape.display(argument))' for \(flag)", hint: "write \(flag) KEY=VALUE")
            }
            let key = String(argument[..<separator])
            let value = String(argument[argument.index(after: separator)...])
            guard pairs.updateValue(value, forKey: key) == nil else {
                throw Failure.usage(
                    "\(flag) gives the key '\(Escape.display(key))' twice; it takes one value",
                    hint: "keep one of the two")
            }
        }
        return pairs
    }
}
