import CrashAnalysis
import Model
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage analyze`: runs the crash readers on files outside a store.
struct Analyze: Command {
    static var name: String { "analyze" }
    static var abstract: String { "Analyze crash dumps and logs without a store." }
    static var discussion: String {
        """
        Reads ELF cores, minidumps, microdumps, Unreal crash uploads and logs, compressed or not. The format is \
        detected by content. All files in a folder are treated as one session, as in an Unreal crash folder. Each \
        file is read in a confined process that cannot open files, so no path named in a dump is ever opened. Symbols are \
        those of --symbols, else of the store that --store or SALVAGE_STORE names.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("file", "Dumps, logs, or folders of them.", isRequired: true, completion: .file) {
                $0.files.append($1)
            }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .text(
                "symbols", value: "dir",
                "Where to find symbols: a folder with .build-id, a store, or a folder of executables and debug files.",
                completion: .folder
            ) { $0.symbols = $1 },
            .text(
                "exe", value: "file", "The executable that dumped core; needed if it has no build id or was renamed.",
                completion: .file
            ) { $0.exe = $1 },
            .toggle("errors", nil, "Also show errors that the program survived.") { $0.errors = true },
        ]
        return own + CrashTextOptions.flags.within(\.how)
    }

    var files: [String] = []
    var symbols: String?
    var exe: String?
    var errors = false
    var how = CrashTextOptions()
    var options = GlobalOptions()

    func run() throws {
        let configuration = try StoreAccess.configuration(options)
        let analysis = try FileAnalysis(
            symbols: symbols, store: namedStore(), program: exe, rules: configuration.signatures,
            allowMissing: configuration.confinement.allowMissing)
        let output = Output(options)
        var count = 0
        for error in analysis.unreadSymbols {
            Failure(error).report(json: options.json, style: options.errorStyle)
        }
        var failed = !analysis.unreadSymbols.isEmpty
        for file in files {
            let result = try analysis.analyze(file, includesErrors: errors)
            for error in result.unreadable {
                Failure(error).report(json: options.json, style: options.errorStyle)
            }
            failed = failed || !result.unreadable.isEmpty
            for record in result.records {
                write(record, first: count == 0, to: output)
                count += 1
                try output.checkReader()
            }
        }
        try output.finish()
        if failed { throw EndedWith(status: count > 0 ? .partial : .failure) }
        if count == 0 { try output.nothing("no crash was found in \(files.joined(separator: " "))", options) }
    }

    /// The store that a flag or the environment names; the default store is not used, as nobody named it.
    /// For a shared store this is the folder of this machine, with the symbols that it has copies of.
    private func namedStore() throws -> String? {
        guard options.store != nil || Environment.value("SALVAGE_STORE")?.isEmpty == false else { return nil }
        return try StoreAccess.store(options).path
    }

    private func write(_ record: CrashRecord, first: Bool, to output: Output) {
        if options.json {
            output.sink.write(record.json() + [0x0A])
            return
        }
        let style = output.style
        if !first { output.text("") }
        output.text(style.bold(style.red(CrashWords.headline(record))))
        if let time = record.time { output.text("time       \(CrashWords.time(time))") }
        let quality = CrashWords.quality(record.signatureQuality.rawValue)
        output.text("signature  \(style.bold(Escape.display(record.signature)))\(quality)")
        if let hash = record.stackHash { output.text("stack      \(Escape.display(hash))") }
        CrashText(options: how, output: output).write(record)
    }
}
