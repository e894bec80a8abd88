import Catalog
import CrashAnalysis
import Files
import Glibc
import Harvest
import Ingest
public import Model

/// Runs the crash readers on files outside a store, each in a confined process.
public struct FileAnalysis {
    /// The crashes of one file, or of the files in one folder.
    public struct Result: Sendable {
        /// The crashes, with signatures.
        public internal(set) var records: [CrashRecord] = []
        /// The files and folders that could not be read.
        public internal(set) var unreadable: [StoreError] = []
    }

    /// The given symbols that exist but could not be read.
    public var unreadSymbols: [StoreError] { unopened + (symbols?.unread ?? []) }

    private let readers: AnalysisProcess
    private let rules: SignatureRules
    private let symbols: TemporarySymbolStore?
    /// Has the symbols of a shared store; nil for others.
    private let origin: (any SymbolOrigin)?
    private let unopened: [StoreError]

    private static let mostFiles = 10_000

    /// Prepares an analysis.
    ///
    /// - Parameters:
    ///   - path: where to find symbols: a folder with `.build-id`, a store, or a folder of executables and debug files.
    ///   - store: a store whose symbols are used if `path` is nil.
    ///   - program: the executable that dumped core, if it cannot be found by its build id.
    ///   - rules: the user's rules for signatures.
    ///   - allowMissing: names of the barriers that may be missing around the process that reads dumps.
    /// - Throws: ``StoreError``, or `CrashError` if the folder of symbols or the program cannot be read.
    public init(
        symbols path: String?, store: Store? = nil, program: String?, rules: SignatureRules, allowMissing: [String]
    ) throws {
        // A limit that stays low is noted on the crashes.
        try? DescriptorBudget.raiseLimit()
        readers = AnalysisProcess(copiesItself: true, allowMissing: allowMissing)
        self.rules = rules
        if path == nil, let store, store.isShared {
            symbols = try TemporarySymbolStore(nil, program: program, copies: store.symbols)
            do {
                origin = try store.symbolOrigin()
                unopened = []
            } catch {
                // The file can be analyzed without.
                origin = nil
                unopened = [StoreError(error)]
            }
            return
        }
        origin = nil
        unopened = []
        let path = path ?? store.flatMap { Self.symbols(ofStore: $0.path) }
        symbols = path == nil && program == nil ? nil : try TemporarySymbolStore(path, program: program)
    }

    /// The folder of a store's symbols; nil if it has none.
    private static func symbols(ofStore store: String) -> String? {
        let folder = store + "/symbols"
        return [".build-id", ".by-name"].contains { StorePath.mayExist(folder + "/" + $0) } ? folder : nil
    }

    /// Analyzes a file, or all files in a folder as files of one session.
    ///
    /// - Parameters:
    ///   - path: the file or folder.
    ///   - includesErrors: whether errors that the program survived are returned too.
    /// - Throws: ``StoreError`` if there is no such file or folder.
    public func analyze(_ path: String, includesErrors: Bool) throws(StoreError) -> Result {
        var result = Result()
        var records: [CrashRecord] = []
        for file in try files(at: path, &result.unreadable) {
            do { records += try read(file, &result.unreadable) } catch { result.unreadable.append(StoreError(error)) }
        }
        // A snapshot of a live process is returned too, though nothing crashed.
        result.records = CrashMerger.merge(records).filter {
            includesErrors || $0.isCrash || $0.kind == CrashRecord.snapshot
        }
        for index in result.records.indices { SignatureAlgorithm.sign(&result.records[index], rules: rules) }
        return result
    }

    /// Returns the file itself, or the non-empty regular files below a folder.
    private func files(at path: String, _ unreadable: inout [StoreError]) throws(StoreError) -> [String] {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw StoreError(.unreadable, "cannot read \(path): \(FileFailure.reason(errno))", path: path)
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else { return [path] }
        var found: [String] = []
        var folders = [path]
        while let folder = folders.popLast(), found.count < Self.mostFiles {
            let entries: [OpenFolder.Entry]
            do throws(FileFailure) { entries = try OpenFolder(path: folder).entries() } catch {
                unreadable.append(StoreError(.unreadable, "cannot list \(folder): \(error.reason)", path: folder))
                continue
            }
            for entry in entries {
                switch entry.kind {
                case .folder: folders.append(folder + "/" + entry.name)
                case .file where entry.size > 0: found.append(folder + "/" + entry.name)
                default: break
                }
            }
        }
        return found.sorted()
    }

    /// Reads one file. Adds an error if its program cannot be read: the crashes are then returned without.
    private func read(_ path: String, _ unreadable: inout [StoreError]) throws -> [CrashRecord] {
        let descriptor: Int32
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        do throws(FileFailure) { descriptor = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
            throw StoreError(.unreadable, "cannot read \(path): \(error.reason)", path: path)
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.unreadable, "cannot read \(path): not a regular file", path: path)
        }
        let modified = Int64(facts.st_mtim.tv_sec) &* 1000 &+ Int64(facts.st_mtim.tv_nsec) / 1_000_000
        func records() throws -> [CrashRecord] {
            try readers.analyze(
                descriptor: descriptor, name: path, modified: modified, symbols: self.symbols?.store, origin: origin
            ).records
        }
        guard let symbols, symbols.program != nil else { return try records() }
        // Read twice: only the dump says under which name its program is looked up.
        var first = try records()
        let second: [CrashRecord]
        do {
            for record in first { try symbols.place(for: record) }
            // What the first reading has brought to this machine.
            symbols.link()
            second = try records()
        } catch {
            let error = StoreError(error)
            unreadable.append(error)
            for index in first.indices { first[index].noteSymbolsUnread(error.message) }
            return first
        }
        return second.map { symbols.marked($0) }
    }
}
