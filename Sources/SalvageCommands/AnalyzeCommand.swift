import ArgumentParser
import CrashAnalysis
import Glibc
import Harvest
import Ingest
import Terminal

/// `salvage analyze`: the crash readers over any file at hand.
struct Analyze: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Analyse dumps and logs at hand, without a store.",
        discussion: """
            Takes ELF cores, minidumps, microdumps, Unreal crash uploads and logs, compressed or not, judged by content. \
            A folder's files are taken to tell of one session, as an Unreal crash folder's do. Each file is read in a \
            confined process that can open nothing, so no path named in a dump is ever opened.
            """)

    @Argument(help: ArgumentHelp("Dumps, logs, or folders of them.", valueName: "file")) var files: [String]
    @Option(
        help: ArgumentHelp(
            "Symbols by build id: a folder that holds .build-id, a store's, or one of executables and debug files.",
            valueName: "dir"))
    var symbols: String?
    @Flag(help: "Show errors that the program survived, too.") var errors = false
    @OptionGroup var how: CrashTextOptions
    @OptionGroup var options: GlobalOptions

    private static let mostFiles = 10_000

    func run() throws {
        let configuration = try StoreAccess.configuration(options)
        let rules = configuration.signatures
        let readers = AnalysisProcess(copiesItself: true, allowMissing: configuration.confinement.allowMissing)
        let store = try symbols.map { try Shelf($0) }
        let output = Output(options)
        var count = 0
        var failed = false
        for file in files {
            var records: [CrashRecord] = []
            for path in try Self.expand(file) {
                do {
                    records += try Self.read(path, readers, symbols: store?.store)
                } catch {
                    failed = true
                    let failure = FailureReport.failure(for: error) ?? Failure("unexpected", "\(error)")
                    failure.report(json: options.json, style: options.errorStyle)
                }
            }
            records = CrashMerger.merge(records).filter { errors || $0.isCrash }
            for record in records {
                var record = record
                SignatureAlgorithm.sign(&record, rules: rules)
                write(record, first: count == 0, to: output)
                count += 1
                try output.checkReader()
            }
        }
        try output.finish()
        if failed { throw EndedWith(status: count > 0 ? .partial : .failure) }
        if count == 0 { try output.nothing("no crash was found in \(files.joined(separator: " "))", options) }
    }

    private func write(_ record: CrashRecord, first: Bool, to output: Output) {
        if options.json {
            output.sink.write(record.json() + [0x0A])
            return
        }
        let style = output.style
        if !first { output.text("") }
        output.text(style.bold(style.red(CrashView.headline(record))))
        if let time = record.time { output.text("time       \(Escape.display(time))") }
        let quality = Crash.quality(record.signatureQuality.rawValue)
        output.text("signature  \(style.bold(Escape.display(record.signature)))\(quality)")
        if let hash = record.stackHash { output.text("stack      \(Escape.display(hash))") }
        CrashText(options: how, output: output).write(record)
    }

    /// The file itself, or the regular files below a folder.
    private static func expand(_ path: String) throws -> [String] {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw Failure("unreadable", "cannot read a file: \(String(cString: strerror(errno)))", path: path)
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else { return [path] }
        var found: [String] = []
        var folders = [path]
        while let folder = folders.popLast(), found.count < mostFiles {
            guard let handle = opendir(folder) else { continue }
            defer { closedir(handle) }
            while let entry = readdir(handle) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name != ".", name != "..", lstat(folder + "/" + name, &facts) == 0 else { continue }
                switch facts.st_mode & S_IFMT {
                case S_IFDIR: folders.append(folder + "/" + name)
                case S_IFREG where facts.st_size > 0: found.append(folder + "/" + name)
                default: break
                }
            }
        }
        return found.sorted()
    }

    private static func read(
        _ path: String, _ readers: AnalysisProcess, symbols: SymbolStore?
    ) throws -> [CrashRecord] {
        // Without blocking: a pipe under that name would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw Failure("unreadable", "cannot read a file: \(String(cString: strerror(errno)))", path: path)
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw Failure("unreadable", "it is not a regular file", path: path)
        }
        let modified = Int64(facts.st_mtim.tv_sec) &* 1000 &+ Int64(facts.st_mtim.tv_nsec) / 1_000_000
        return try readers.analyze(
            descriptor: descriptor, name: path, modified: modified, symbols: symbols
        ).records
    }
}

/// The symbols that `--symbols` names: a symbol store as it lies, or a store's, or a folder of files that is laid out as
/// one for the time being.
private final class Shelf {
    let store: SymbolStore
    private let temporary: String?

    init(_ path: String) throws {
        for root in [path, path + "/symbols"] where access(root + "/.build-id", F_OK) == 0 {
            store = SymbolStore(root: root)
            temporary = nil
            return
        }
        let folder = try TemporaryFolder.make("salvage-symbols")
        temporary = folder
        store = SymbolStore(root: folder)
        _ = try store.add(path: path)
    }

    deinit { if let temporary { TemporaryFolder.remove(temporary) } }
}
