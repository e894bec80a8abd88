import Files
import Glibc
import Harvest
import JSON
import Model
import SalvageConfiguration
import SalvageServer
import Store
import Terminal
import Text

/// `salvage serve`: the page and the HTTP API.
struct Serve: AsyncCommand {
    static var name: String { "serve" }
    static var abstract: String { "Serve the page and the HTTP API, until SIGTERM." }
    static var discussion: String {
        """
        Shows crashes, builds, sessions, logs and files to a team, and lets it decide about signatures. It listens on \
        127.0.0.1:8474, where everybody on this machine may do everything. On an address that other machines reach \
        it needs --tokens, or --user-header with --proxy. It may run beside watch and harvest; the page and the API \
        read the store, decisions go to its journal. The API is described at /api/v1/openapi.json. The configuration \
        has the same under `serve:`; flags override it. On SIGHUP it reads tokens and configuration again; on SIGTERM \
        running requests get ten seconds.

        A token file has one line for each token, NAME ROLES TOKEN, with roles read, triage and upload; its mode is \
        0600. It is read again when it changes. `salvage serve token NAME ROLES` prints a new token and its line.

          salvage serve
          salvage serve token ada read,triage
          salvage serve --listen 0.0.0.0:8474 --tokens /etc/salvage/serve-tokens
          salvage serve --user-header X-Forwarded-User --proxy 127.0.0.1 --public-address https://salvage.example
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .optional("token", "The word token: print a new token instead.") { $0.action = $1 },
            .optional("name", "The name of its owner, which decisions carry.") { $0.tokenName = $1 },
            .optional("roles", "What the owner may do: read, triage, upload, with commas between them.") {
                $0.tokenRoles = $1
            },
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text("listen", value: "address", "Listen here: HOST:PORT, or PORT on 127.0.0.1 (default: 127.0.0.1:8474).")
            {
                $0.listen = $1
            },
            .text("tokens", value: "file", "The file of tokens.", completion: .file) { $0.tokens = $1 },
            .text("user-header", value: "name", "The header in which a proxy names the user: X-Forwarded-User.") {
                $0.userHeader = $1
            },
            .texts("proxy", value: "address", "The address of that proxy. Only it is believed. May be repeated.") {
                $0.proxies.append($1)
            },
            .text("proxy-roles", value: "roles", "What its users may do (default: read,triage).") {
                $0.proxyRoles = $1
            },
            .texts("allow-host", value: "name", "Also answer to this name in the Host header. May be repeated.") {
                $0.hosts.append($1)
            },
            .text("public-address", value: "url", "The address by which people reach it: https://salvage.example.") {
                $0.publicAddress = $1
            },
            .text("title", value: "text", "The title of the pages.") { $0.title = $1 },
        ]
    }

    var action: String?
    var tokenName: String?
    var tokenRoles: String?
    var listen: String?
    var tokens: String?
    var userHeader: String?
    var proxies: [String] = []
    var proxyRoles: String?
    var hosts: [String] = []
    var publicAddress: String?
    var title: String?
    var options = GlobalOptions()

    func validate() throws {
        guard let action else { return }
        guard action == "token" else {
            throw Failure.usage("unexpected argument '\(action)'", hint: "salvage serve token NAME ROLES makes a token")
        }
        guard let tokenName, let tokenRoles else {
            throw Failure.usage(
                "a token needs a name and roles", hint: "write: salvage serve token ada read,triage")
        }
        guard !tokenName.isEmpty, !tokenName.hasPrefix("#"), tokenName.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
        else {
            throw Failure.usage("invalid name '\(tokenName)' for a token", hint: "write a name without spaces")
        }
        guard TokenFile.roles(tokenRoles) != nil else {
            throw Failure.usage(
                "invalid roles '\(tokenRoles)'", hint: "write some of read, triage and upload, with commas between them"
            )
        }
    }

    func run() async throws {
        if let tokenName, let tokenRoles { return try printToken(tokenName, tokenRoles) }
        let configuration = try StoreAccess.configuration(options)
        let address = try StoreAccess.address(options)
        // Transfers begin in this machine's folder, before any question has created it.
        if address.shared != nil { _ = try Store(creating: address) }
        let store = try ServerStore(address, builds: configuration.builds.order)
        let serverOptions = try serverOptions(configuration)
        let server = Server(serverOptions, store: store)
        // An unhandled signal ends the process.
        let reload = ReloadSignal()
        defer { reload.end() }
        let notifier = ServiceNotifier(environment: Environment.all)
        ProcessGuard.whenStopped {
            notifier.stopping()
            server.stop()
        }
        reload.handle { [options, tokens = serverOptions.access.tokens] in
            notifier.reloading()
            defer { notifier.reloaded() }
            Self.reload(options, store, tokens)
        }
        do {
            try await server.run { port in
                notifier.ready("serving on port \(port)")
                Self.say("serving \(Escape.display("\(address)")) on port \(port)")
            }
        } catch {
            throw Failure(
                "serve_failed", "cannot listen on \(listen ?? configuration.serve.listen): \(error)",
                hint: "choose another address with --listen")
        }
    }

    /// Reads the tokens and the order of builds again; rules and limits are read at each use.
    private static func reload(_ options: GlobalOptions, _ store: ServerStore, _ tokens: TokenFile?) {
        do throws(TokenFileError) {
            if let tokens { say("the tokens were read again: \(counted(try tokens.reload(), "token"))") }
        } catch {
            say("nobody is let in: \(error.message) (path \(Escape.display(error.path)))")
        }
        do {
            store.order(try StoreAccess.configuration(options).builds.order)
            say("the configuration was read again; addresses and access need a restart")
        } catch {
            say("reload failed: \(FailureReport.failure(for: error).sentence)")
        }
    }

    private static func say(_ text: String) {
        let sink = BufferedOutput(descriptor: STDERR_FILENO)
        sink.write("salvage: \(text)\n")
        sink.flush()
    }

    private func printToken(_ name: String, _ roles: String) throws {
        let (token, line) = TokenFile.make(name: name, roles: roles)
        let output = Output(options)
        if options.json {
            var object = JSONLine()
            object.add("token", token)
            object.add("line", line)
            output.line(object)
            return try output.finish()
        }
        output.text("token  \(token)")
        output.text("line   \(line)")
        if !options.quiet {
            output.text(
                "Give the token to \(Escape.display(name)); add the line to the file of --tokens (mode 0600). The file does "
                    + "not have the token, and salvage does not keep it.")
        }
        try output.finish()
    }

    // MARK: Options

    private func serverOptions(_ configuration: SalvageConfiguration.Configuration) throws -> ServerOptions {
        let serve = configuration.serve
        let address = listen ?? serve.listen
        guard let (host, port) = ServerOptions.address(address) else {
            throw Failure(
                "bad_address", "invalid value '\(address)' for --listen",
                hint: "write 127.0.0.1:8474, [::1]:8474 or 8474",
                status: .usage)
        }
        let access = try access(serve)
        guard access.allowsListening(on: host) else {
            throw Failure(
                "no_access_rules", "\(address) is reached by other machines, and nobody would have to say who they are",
                hint: "give --tokens FILE, or --user-header NAME with --proxy ADDRESS, or listen on 127.0.0.1",
                status: .usage)
        }
        var settings = ServerSettings(version: salvageVersion) { TimeText.now() }
        settings.title = title ?? serve.title
        settings.sourceLink = serve.sourceLink
        if let address = publicAddress ?? serve.publicAddress {
            (settings.publicAddress, settings.basePath) = try Self.parts(address)
        }
        let options = options
        return ServerOptions(
            host: host, port: port, settings: settings, access: access,
            configuration: { try StoreAccess.configuration(options) },
            bundle: { store, sessions, target in try Self.bundle(store, sessions, target) })
    }

    private func access(_ serve: SalvageConfiguration.Configuration.Serve) throws -> ServerAccess {
        var access = ServerAccess()
        do throws(TokenFileError) {
            access.tokens = try (tokens ?? serve.tokens).map { (path) throws(TokenFileError) in try TokenFile(path) }
        } catch {
            throw Failure("bad_token_file", error.message, path: error.path, hint: error.hint, status: .usage)
        }
        access.userHeader = userHeader ?? serve.userHeader
        access.proxies = proxies.isEmpty ? serve.proxies : proxies
        access.hosts = hosts + serve.hosts
        let roles = proxyRoles ?? serve.proxyRoles.joined(separator: ",")
        guard let known = TokenFile.roles(roles) else {
            throw Failure(
                "bad_roles", "invalid value '\(roles)' for --proxy-roles",
                hint: "write some of read, triage and upload, with commas between them", status: .usage)
        }
        access.proxyRoles = known
        if let name = getpwuid(getuid())?.pointee.pw_name { access.localName = String(cString: name) }
        guard access.userHeader == nil || !access.proxies.isEmpty else {
            throw Failure(
                "no_proxy", "--user-header without --proxy would believe everybody",
                hint: "name the address of the proxy: --proxy 127.0.0.1", status: .usage)
        }
        return access
    }

    /// The address without its path, and the path.
    private static func parts(_ address: String) throws -> (address: String, path: String) {
        guard let start = address.firstRange(of: "://")?.upperBound,
            ["http://", "https://"].contains(String(address[..<start])), Authority.isUsable(host(address[start...]))
        else {
            throw Failure(
                "bad_address", "invalid value '\(address)' for --public-address",
                hint: "write https://salvage.example, or https://studio.example/salvage", status: .usage)
        }
        let name = host(address[start...])
        var path = String(address[start...].dropFirst(name.count))
        while path.hasSuffix("/") { path.removeLast() }
        return (String(address[..<start]) + name, path)
    }

    private static func host(_ rest: Substring) -> String { String(rest.prefix { $0 != "/" }) }

    /// Writes a bundle of sessions.
    private static func bundle(_ store: Store, _ sessions: [String], _ target: String) throws {
        _ = try store.bundle(sessions, to: target, sheet: CrashSheets.sheet, progress: { _ in })
    }
}
