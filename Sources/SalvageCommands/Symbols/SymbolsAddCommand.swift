import CrashAnalysis
import JSON
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage symbols add`.
struct SymbolsAdd: AsyncCommand {
    static var name: String { "symbols add" }
    static var abstract: String { "Add executables, libraries, .debug files, Breakpad .sym files, or an image's root." }
    static var discussion: String {
        """
        From a folder, adds every ELF file with a build id and every Breakpad file below it; links are not \
        followed. Crashes that need the new symbols are unwound and symbolicated again and may get a new \
        signature; the earlier signature still finds them.

        With --to, the files are sent to a salvage server instead, with the token in SALVAGE_TOKEN or --token-file, \
        which needs the role `upload`.

          salvage symbols add build/server
          salvage symbols add build --to https://salvage.example.net
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("path", "Files, or folders such as an image's root file system.", isRequired: true, completion: .file)
            { $0.paths.append($1) }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text("to", value: "url", "Send the files to the salvage server at this address.") { $0.to = $1 },
            .text(
                "token-file", value: "file", "A file with the server's token (default: SALVAGE_TOKEN).",
                completion: .file
            ) { $0.tokenFile = $1 },
        ]
    }

    var paths: [String] = []
    var to: String?
    var tokenFile: String?
    var options = GlobalOptions()

    func validate() throws {
        if tokenFile != nil, to == nil { throw Failure.usage("--token-file needs --to", hint: "add --to URL") }
        if let to, Configuration.baseAddress(to) == nil {
            throw Failure.usage(
                "invalid value '\(to)' for --to",
                hint: "write http:// or https:// and a host, such as https://salvage.example.net")
        }
    }

    func run() async throws {
        if let to, let address = Configuration.baseAddress(to) { return try await upload(to: address) }
        let store = try Store(creating: StoreAccess.address(options))
        let configuration = try StoreAccess.configuration(options)
        let report = try await OwnThread.run { [paths, options] in
            let progress = Progress(quiet: options.quiet)
            defer { progress.finish() }
            return try store.addSymbols(
                paths, rules: configuration.signatures, allowMissing: configuration.confinement.allowMissing,
                progress: { progress.update($0) })
        }
        let output = Output(options)
        SymbolsText.write(report, to: output)
        try output.finish()
        for error in report.unread { Failure(error).report(json: options.json, style: options.errorStyle) }
        if report.awaitingSymbols > 0 || !report.unread.isEmpty { throw EndedWith(status: .partial) }
        if report.addition.added.isEmpty, report.addition.known == 0 {
            throw Failure(
                "no_symbols", "nothing with a build id was found in \(paths.joined(separator: " "))",
                hint: report.addition.withoutBuildID.isEmpty
                    ? "give executables, .debug files, Breakpad .sym files or a folder of them"
                    : "link with -Wl,--build-id=sha1", status: .nothingFound)
        }
    }

    /// Sends the files to a server.
    private func upload(to address: String) async throws {
        let token = try APIToken.forServer(
            file: tokenFile, variable: "SALVAGE_TOKEN", environment: Environment.all)
        let found = try SymbolFiles(paths)
        guard !found.files.isEmpty else {
            throw Failure(
                "no_symbols",
                "no executables, debug files or Breakpad files were found in \(paths.joined(separator: " "))",
                hint: "give executables, .debug files, Breakpad .sym files or a folder of them", status: .nothingFound)
        }
        let upload = SymbolUpload(address: address, token: token)
        let progress = Progress(quiet: options.quiet)
        var total = SymbolUpload.Answer()
        var failed: [Failure] = found.unread.map { Failure($0) }
        for (index, file) in found.files.enumerated() {
            progress.update("sending \(index + 1) of \(counted(found.files.count, "file")): \(Escape.display(file))")
            do { total.join(try await upload.send(file)) } catch let failure as Failure {
                // The next file would end in the same.
                guard failure.status == .failure, found.files.count > 1 else {
                    progress.finish()
                    await upload.end()
                    throw failure
                }
                failed.append(failure)
            }
        }
        progress.finish()
        await upload.end()
        let output = Output(options)
        total.skipped += found.skipped
        total.write(to: output)
        try output.finish()
        for failure in failed { failure.report(json: options.json, style: options.errorStyle) }
        if total.awaitingSymbols > 0 || !failed.isEmpty { throw EndedWith(status: .partial) }
    }
}
