import Catalog
import CrashAnalysis
import Files
import Glibc
import Model
import Pack
import Terminal

/// A core dump of a store, extracted for a debugger.
///
/// Debuggers open every path that a core names. gdb's sysroot is therefore a private folder that holds, under those paths,
/// links to files of the symbol store and nothing else; lldb looks for modules there first. Scripts, settings of users and
/// downloads of symbols are off. The folder and the core are removed when this is freed.
public struct CoreDebugging {
    /// A program that debugs cores.
    public enum Debugger: String, Sendable, CaseIterable {
        /// The GNU debugger.
        case gdb
        /// LLVM's debugger.
        case lldb
    }

    /// The debugger.
    public let debugger: Debugger
    /// Whether the symbol store has the executable that dumped core.
    public let hasProgram: Bool
    /// Symbols that the store has and that could not be copied to this machine.
    public let unreadSymbols: [StoreError]
    /// Keeps the copies of symbols until the debugger exits.
    private let fetched: FetchedSymbols?
    private let folder: TemporaryFolder
    private let arguments: [String]

    init(
        _ debugger: Debugger, at program: String, core: String, of record: CrashRecord, _ symbols: SymbolStore,
        _ fetched: FetchedSymbols?, in folder: TemporaryFolder
    ) {
        self.fetched = fetched
        unreadSymbols = fetched?.failures.map { StoreError($0) } ?? []
        self.debugger = debugger
        self.folder = folder
        let root = folder.path + "/root"
        let libraries = folder.path + "/lib"
        for made in [root, libraries] { mkdir(made, 0o700) }
        var executable: String?
        for module in record.modules {
            guard let identity = module.buildID, let file = symbols.path(buildID: identity, kind: .executable),
                // Of a file that is there and cannot be read, the debugger says why.
                StorePath.mayExist(file)
            else { continue }
            let absolute = StorePath.absolute(file)
            Self.place(absolute, under: module, root: root, libraries: libraries)
            if BundleSymbols.isProgram(module, of: record) { executable = executable ?? absolute }
        }
        hasProgram = executable != nil
        let known = StorePath.absolute(symbols.root)
        switch debugger {
        case .gdb: arguments = [program] + Self.gdb(core, executable, root: root, libraries, symbols: known)
        case .lldb:
            arguments =
                [program, "--no-lldbinit"] + DebuggerScripts.settings(libraries: libraries, known)
                + ["--core", core] + (executable.map { ["--file", $0] } ?? [])
        }
    }

    private static func gdb(
        _ core: String, _ executable: String?, root: String, _ libraries: String, symbols: String
    ) -> [String] {
        var arguments = ["-nx", "-q"]
        let settings = [
            "set auto-load off", "set debuginfod enabled off", "set sysroot \(root)",
            "set debug-file-directory \(symbols)", "set solib-search-path \(libraries)", "set confirm off",
            "set startup-with-shell off", "set libthread-db-search-path \(libraries)", "set history save off",
        ]
        for setting in settings { arguments += ["-iex", setting] }
        if let executable { arguments += ["-ex", "file \(executable)"] }
        return arguments + ["-ex", "core-file \(core)"]
    }

    /// Runs the debugger on the terminal until it exits; returns its wait status, 0 on success.
    ///
    /// - Throws: ``StoreError`` with `noDebugger` if it cannot be started.
    public func run() throws(StoreError) -> Int32 {
        // The core must exist until the debugger exits.
        defer { withExtendedLifetime((folder, fetched)) {} }
        // The debugger handles Ctrl-C.
        let old = signal(SIGINT, SIG_IGN)
        defer { signal(SIGINT, old) }
        return try Self.run(arguments)
    }

    /// Starts a program and returns its wait status.
    private static func run(_ words: [String], quietly: Bool = false) throws(StoreError) -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for number in [SIGINT, SIGPIPE] { sigaddset(&defaults, number) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if quietly {
            for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            }
        }
        var child: pid_t = 0
        let error = posix_spawn(&child, words[0], &actions, &attributes, &arguments, environ)
        guard error == 0 else {
            throw StoreError(
                .noDebugger, "cannot start \(Folders.split(words[0]).name): \(FileFailure.reason(error))",
                path: words[0])
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// The first of these debuggers that is installed and starts, and its path.
    ///
    /// - Throws: ``StoreError`` with `noDebugger`.
    static func find(_ debuggers: [Debugger], core: String) throws(StoreError) -> (debugger: Debugger, path: String) {
        var broken: [String] = []
        for debugger in debuggers {
            guard let path = find(debugger.rawValue) else { continue }
            // lldb needs a Python of its own version, and toolchains bring it without.
            if try run([path, "--version"], quietly: true) == 0 { return (debugger, path) }
            broken.append(path)
        }
        let names = debuggers.map(\.rawValue).joined(separator: " nor ")
        let install = "apt-get install \(debuggers.first?.rawValue ?? "gdb")"
        guard let path = broken.first else {
            throw StoreError(
                .noDebugger, debuggers.count > 1 ? "neither \(names) is installed" : "\(names) is not installed",
                hint: "\(install); or \(core), to debug it elsewhere")
        }
        throw StoreError(
            .noDebugger, "\(Folders.split(path).name) is installed, but does not start", path: path,
            hint: "\(path) --version says why; or \(install)")
    }

    private static func find(_ program: String) -> String? {
        (Environment.value("PATH") ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(program)" }
            .first { access($0, X_OK) == 0 }
    }

    /// Links a file of the symbol store under the path that the core names, below our root, and under its bare name,
    /// because the dynamic linker's own list has other paths.
    private static func place(_ file: String, under module: CrashModule, root: String, libraries: String) {
        let parts = (module.path ?? module.name).split(separator: "/").map(String.init)
        guard let name = parts.last, !parts.contains(".."), !parts.contains("."), parts.count < 64,
            !module.name.utf8.contains(0)
        else { return }
        let folder = ([root] + parts.dropLast()).joined(separator: "/")
        // Without a link gdb says that the file is missing.
        try? Folders.make(folder)
        symlink(file, folder + "/" + name)
        symlink(file, libraries + "/" + name)
        // The linker's list has libfoo.so.1.2.3 as libfoo.so.1.
        let words = name.split(separator: ".", omittingEmptySubsequences: false)
        if let so = words.firstIndex(of: "so"), words.count > so + 2 {
            symlink(file, libraries + "/" + words[...(so + 1)].joined(separator: "."))
        }
    }
}

extension Store {
    /// Extracts the core dump of the first of these crashes that has one, and prepares it for a debugger.
    ///
    /// - Parameters:
    ///   - crashes: the crashes, newest first.
    ///   - debuggers: the debuggers to choose from, the preferred one first.
    ///   - progress: called before the core is extracted.
    /// - Throws: ``StoreError`` with `noCore`, `noDebugger` or `compressedCore`, `CrashError` when the extracted core
    ///   cannot be read, or as ``pack(_:)`` and ``export(member:of:as:in:)`` do.
    public func debug(
        _ crashes: [ListedCrash], with debuggers: [CoreDebugging.Debugger] = CoreDebugging.Debugger.allCases,
        progress: (StoreProgress) -> Void
    ) throws -> CoreDebugging {
        let stored = crashes.compactMap { crash in
            if case .stored(let stored) = crash { stored } else { nil }
        }
        guard let crash = stored.first(where: { $0.record?.detector == "elf_core" }), let record = crash.record,
            let path = record.member
        else {
            let found = stored.first.map { "this crash was read from a report of kind '\($0.row.kind)'" } ?? "no crash"
            throw StoreError(
                .noCore, "no core dump to debug: \(found)", session: stored.first?.row.session,
                hint: "salvage crash shows what is known", kind: .notFound)
        }
        let session = crash.row.session
        let found = try CoreDebugging.find(debuggers, core: "salvage cat \(session) \(path) > core")
        let folder = try TemporaryFolder("salvage-debug")
        let core = try extract(session, path, in: folder.path, progress)
        let fetched = try symbolOrigin()?.fetch(for: [record])
        return CoreDebugging(found.debugger, at: found.path, core: core, of: record, symbols, fetched, in: folder)
    }

    /// Writes the core as a sparse file and returns its path.
    private func extract(
        _ session: String, _ path: String, in folder: String, _ progress: (StoreProgress) -> Void
    ) throws -> String {
        let pack = try pack(session)
        let index: Int
        do {
            index = try pack.member(MemberPath(path)).index
        } catch var error as StoreError where error.code == .ambiguousPath {
            error.hint = "write the right one to a file with salvage cat --artifact, and open it with a debugger"
            throw error
        }
        progress(.extracting(path: path, bytes: pack.reader.members[index].size))
        let core = try export(member: index, of: pack, as: "core", in: folder + "/core")
        guard try Self.isELF(try FileByteSource(path: core)) else {
            throw StoreError(
                .compressedCore, "the core is stored compressed, as it was collected; a debugger cannot read it",
                session: session, path: path, hint: "salvage cat \(session) \(path), then decompress it")
        }
        return core
    }

    private static func isELF(_ file: FileByteSource) throws -> Bool {
        var magic = [UInt8](repeating: 0, count: 4)
        let count = try magic.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
        return count == 4 && magic == [0x7F, 0x45, 0x4C, 0x46]
    }
}
