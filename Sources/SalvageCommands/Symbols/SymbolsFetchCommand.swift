import AsyncHTTPClient
import CrashAnalysis
import JSON
import Model
import SalvageConfiguration
import Store
import Synchronization
import Terminal
import Text

/// `salvage symbols fetch`.
struct SymbolsFetch: AsyncCommand {
    static var name: String { "symbols fetch" }
    static var abstract: String { "Ask symbol servers (DEBUGINFOD_URLS) for the build ids that crashes need." }
    static var discussion: String {
        """
        Asks for what `symbols missing` lists and adds what comes as `symbols add` does. Nothing is asked unless \
        --allow-network or the configuration (symbols: {debuginfod: {allowed: true}}) allows it. Only build ids \
        leave the machine. Answers are bounded in size and time, and added only if they have the build id that was \
        asked for. What no server has is not asked for again for a day.
        """
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .toggle("allow-network", nil, "Ask the servers even if the configuration does not allow it.") {
                $0.allowNetwork = true
            }
        ]
        return own + CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    var allowNetwork = false
    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    /// The most build ids without --limit.
    private static let most = 1000
    /// The longest silence of a server, in milliseconds.
    private static let longestSilence: Int64 = 30_000

    func run() async throws {
        let configuration = try StoreAccess.configuration(options)
        let servers = configuration.symbols
        guard allowNetwork || servers.allowed else {
            throw Failure(
                "network_not_allowed", "symbol servers may not be asked: build ids tell them which programs you run",
                hint: "use --allow-network, or symbols: {debuginfod: {allowed: true}} in the configuration",
                status: .usage)
        }
        let addresses = servers.addresses(environment: Environment.all)
        guard !addresses.isEmpty else {
            throw Failure(
                "no_servers", "no symbol server is known",
                hint: "set DEBUGINFOD_URLS, or symbols: {debuginfod: {urls: […]}} in the configuration",
                status: .nothingFound)
        }
        let store = try StoreAccess.store(options, readOnly: false)
        let silence = max(1, min(servers.timeout, Self.longestSilence) / 1000)
        let client = SymbolHTTP.client(silence: silence)
        let progress = Mutex(Progress(quiet: options.quiet))
        let report: SymbolFetchReport
        do {
            report = try await store.fetchSymbols(
                try which.selection(select),
                from: addresses.map { DebuginfodServer($0, timeout: servers.timeout, client: client) },
                within: SymbolFetchLimits(
                    most: select.limit ?? Self.most, fileSize: servers.maxSize, rules: configuration.signatures,
                    allowMissing: configuration.confinement.allowMissing),
                progress: { step in progress.withLock { $0.update(step) } })
        } catch {
            _ = try? await client.shutdown()
            throw error
        }
        progress.withLock { $0.finish() }
        // All answers are here.
        _ = try? await client.shutdown()
        try write(report)
    }

    private func write(_ report: SymbolFetchReport) throws {
        let output = Output(options)
        if options.json {
            output.line(Shapes.symbolsFetched.line(report))
        } else if report.asked == 0 {
            if !options.quiet { output.text("no symbols are missing") }
        } else {
            output.text(
                "asked for \(counted(report.asked, "build id")): \(report.found) found, \(report.absent) on no server; "
                    + "received \(SizeText.binary(report.bytes))")
            SymbolsText.writeCrashes(report.symbols, to: output)
        }
        try output.finish()
        for error in report.failures + report.symbols.unread {
            Failure(error).report(json: options.json, style: options.errorStyle)
        }
        let isPartial =
            !report.failures.isEmpty || !report.symbols.unread.isEmpty || report.symbols.awaitingSymbols > 0
        if isPartial { throw EndedWith(status: .partial) }
        if report.asked > 0, report.found == 0 { throw EndedWith(status: .nothingFound) }
    }
}
