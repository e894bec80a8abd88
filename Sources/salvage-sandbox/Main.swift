import ArgumentParser
import Dispatch
import FoundationEssentials
import Glibc
import Sandbox

@main
struct SandboxProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage-sandbox",
        abstract: "A Gameye Session API server on this machine, over real processes.",
        discussion: Explanation.text)

    @OptionGroup var options: ServerOptions
    @OptionGroup var fleet: FleetOptions

    func run() async throws {
        // The port of an earlier run would be mistaken for this one's.
        if let file = options.portFile { unlink(file) }
        Self.mentionCorePattern()
        let server: SandboxServer
        let url: String
        do {
            server = try SandboxServer(try configuration())
            url = try await server.start()
        } catch let error as SandboxError {
            throw ValidationError(error.message)
        }
        print("salvage-sandbox listens on \(url)")
        fflush(nil)
        if let file = options.portFile { try write(url.split(separator: ":").last ?? "", to: file) }
        await Self.signalled()
        await server.stop()
    }

    private func configuration() throws -> SandboxConfiguration {
        var configuration = SandboxConfiguration(images: options.images, root: options.root)
        configuration.address = options.host
        configuration.port = options.port
        configuration.locations = options.locations.split(separator: ",", omittingEmptySubsequences: false)
            .map(String.init)
        configuration.requiresToken = !options.noAuth
        configuration.maximumSessions = options.maxSessions
        configuration.startsPerMinute = options.startsPerMinute
        if !options.token.isEmpty { configuration.tokens = try options.token.map(Self.token) }
        configuration.adminToken = options.adminToken
        configuration.retention = options.retention.seconds
        configuration.minute = options.minute.seconds
        configuration.stopGrace = options.stopGrace.seconds
        configuration.restartDelay = options.restartDelay.seconds
        if let json = options.faults { configuration.faults = try Faults(json: json) }
        if let share = options.faultMix {
            configuration.faultMix = FaultMix(seed: options.seed, share: share)
        }
        if let running = fleet.fleet {
            configuration.fleet = SandboxFleet(
                running: running, exitsPerSecond: fleet.exitsPerSecond, artifactBytes: fleet.artifactBytes,
                logLinesPerSecond: fleet.logLinesPerSecond, crashShare: fleet.crashShare, seed: options.seed)
        }
        return configuration
    }

    /// Says where the kernel puts core dumps if not below the sessions' roots, to explain why they are missing there.
    private static func mentionCorePattern() {
        guard let pattern = try? String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8),
            pattern.hasPrefix("/") || pattern.hasPrefix("|")
        else { return }
        let text = pattern.split(separator: "\n").first ?? ""
        let note = "salvage-sandbox: core dumps go to \(text) on this machine, not into the sessions' roots\n"
        _ = Glibc.write(STDERR_FILENO, note, note.utf8.count)
    }

    /// Parses `NAME`, a token with all scopes, or `NAME=scope,scope`.
    private static func token(_ text: String) throws -> SandboxToken {
        let halves = text.split(separator: "=", maxSplits: 1)
        guard let name = halves.first else { throw ValidationError("a token needs a name") }
        guard halves.count == 2 else { return SandboxToken(String(name)) }
        let scopes = try halves[1].split(separator: ",").map { word in
            guard let scope = SandboxScope(rawValue: String(word)) else {
                let known = SandboxScope.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("unknown scope \(word); scopes are: \(known)")
            }
            return scope
        }
        return SandboxToken(String(name), scopes: Set(scopes))
    }

    /// Writes the file atomically: a process that waits for it reads it as soon as it exists.
    private func write(_ port: Substring, to path: String) throws {
        do {
            try Data("\(port)\n".utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw ValidationError("\(path): the port could not be written: \(error)")
        }
    }

    private static func signalled() async {
        let (signals, report) = AsyncStream.makeStream(of: Void.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { report.yield() }
            source.resume()
            return source
        }
        for await _ in signals { break }
        for source in sources { source.cancel() }
    }
}
