import ArgumentParser
import Glibc
import Harvest
import SessionAPI
import Synchronization
import Terminal

/// `salvage api`: the ten operations of the Session API by their operationId.
struct API: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Call one operation of the Session API.",
        discussion: """
            Prints responses as JSON, one object per line, with the API's field names in its documented order. Of the \
            container's environment only GAMEYE_SESSION_ID is shown. The server is --url or --server, else \
            SALVAGE_API_URL, else `api: url:` in the config; the token is GAMEYE_API_TOKEN, else the systemd \
            credential `token`, else the file that api.token_file names.

            Exit codes: 1 when there is no such session, image or path; 64 when the API would reject the arguments; 75 \
            when the same call may work later; 77 when the token is rejected. `salvage --json api …` prints an error \
            as one JSON object with the server's code, status, identifier, details, path, timestamp and violations.
            """,
        subcommands: [
            SessionRun.self, SessionList.self, DescribeSession.self, SessionStop.self, JoinSession.self,
            LeaveSession.self, Artifacts.self, GetAvailableLocations.self, TagExists.self, StreamLogs.self,
        ])

    /// The operationIds, to recognize the command behind global flags.
    static let operations = Set(APIOperation.allCases.map(\.rawValue))

    /// Runs one call with a client and closes the client. `url` overrides the configured address.
    static func withClient<Answer>(
        _ options: GlobalOptions, url: String? = nil, _ call: (SessionAPIClient) async throws -> Answer
    ) async throws -> Answer {
        let environment = Self.environment
        let flags = Harvest.Configuration.Flags(store: options.store, config: options.config)
        let settings: Harvest.Configuration
        do {
            settings = try Harvest.Configuration.load(flags: flags, environment: environment)
        } catch {
            throw Failure(error)
        }
        // The client looks the token up after it has checked the arguments. The lookup's own error says more than the
        // client's, so it is kept.
        let missing = Mutex<HarvestError?>(nil)
        let address = url ?? settings.api.url
        var configuration = SessionAPIClient.Configuration(baseURL: address) {
            do throws(HarvestError) {
                return try APIToken.find(settings, environment: environment).value
            } catch {
                missing.withLock { $0 = error }
                throw error
            }
        }
        configuration.userAgent = "salvage/\(salvageVersion)"
        configuration.stallTimeout = .milliseconds(settings.limits.stall)
        let client: SessionAPIClient
        do throws(APIError) {
            client = try SessionAPIClient(configuration)
        } catch {
            throw Failure("invalid_address", error.message, hint: "the address is '\(address)'", status: .usage)
        }
        do {
            let answer = try await call(client)
            await client.shutdown()
            return answer
        } catch {
            await client.shutdown()
            guard let error = error as? APIError else { throw error }
            if error.kind == .noToken, let error = missing.withLock({ $0 }) { throw Failure(error) }
            var failure = Failure(error)
            if error.kind == .network, !error.mayHaveActed {
                failure.hint = "check the address \(address) and the network"
            }
            throw failure
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
struct APIOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The API's address (else --server, SALVAGE_API_URL, or `api: url:` in the config).", valueName: "address"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "The API server by name: \(APIServerName.list).", valueName: "name"))
    var server: APIServerName?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if url != nil, server != nil { throw ValidationError("--url and --server both name a server; give one") }
    }

    /// Runs one call against the server that the flags name, or the configured one.
    func withClient<Answer>(_ call: (SessionAPIClient) async throws -> Answer) async throws -> Answer {
        try await API.withClient(global, url: url ?? server?.address, call)
    }

    /// Calls one operation and prints its response as one line.
    func printing(_ call: (SessionAPIClient) async throws -> JSONLine) async throws {
        let output = Output(global)
        output.line(try await withClient(call))
        try output.finish()
    }
}

/// The values of `--server`, each with its address.
enum APIServerName: String, ExpressibleByArgument, CaseIterable {
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
                throw ValidationError("\(flag) takes KEY=VALUE, not '\(Escape.display(argument))'")
            }
            let key = String(argument[..<separator])
            let value = String(argument[argument.index(after: separator)...])
            guard pairs.updateValue(value, forKey: key) == nil else {
                throw ValidationError("\(flag) gives the key '\(Escape.display(key))' twice; it takes one value")
            }
        }
        return pairs
    }
}
