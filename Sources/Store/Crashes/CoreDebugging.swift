import Catalog
import CrashAnalysis
import Files
import Glibc
import Model
import Pack
import Terminal

/// A core dump of a store, extracted for gdb.
///
/// gdb opens every path that a core names. Its sysroot is therefore a private folder that holds, under those paths,
/// links to files of the symbol store and nothing else. Auto-loaded scripts and debuginfod are off. The folder and the
/// core are removed when this is freed.
public struct CoreDebugging {
    /// Whether the symbol store has the executable that dumped core.
    public let hasProgram: Bool
    private let folder: TemporaryFolder
    private let arguments: [String]

    init(_ gdb: String, core: String, of record: CrashRecord, _ symbols: SymbolStore, in folder: TemporaryFolder) {
        self.folder = folder
        let root = folder.path + "/root"
        let libraries = folder.path + "/lib"
        for made in [root, libraries] { mkdir(made, 0o700) }
        var program: String?
        for module in record.modules {
            guard let identity = module.buildID, let file = symbols.path(buildID: identity, kind: .executable),
                // Of a file that is there and cannot be read, gdb says why.
                StorePath.mayExist(file)
            else { continue }
            let absolute = Self.absolute(file) ?? file
            Self.place(absolute, under: module, root: root, libraries: libraries)
            let name = record.executable?.split(separator: "/").last.map(String.init)
            if module.path == record.executable || module.name == name { program = program ?? absolute }
        }
        var arguments = [gdb, "-nx", "-q"]
        let settings = [
            "set auto-load off", "set debuginfod enabled off", "set sysroot \(root)",
            "set debug-file-directory \(Self.absolute(symbols.root) ?? symbols.root)",
            "set solib-search-path \(libraries)", "set confirm off", "set startup-with-shell off",
            "set libthread-db-search-path \(libraries)", "set history save off",
        ]
        for setting in settings { arguments += ["-iex", setting] }
        if let program { arguments += ["-ex", "file \(program)"] }
        hasProgram = program != nil
        self.arguments = arguments + ["-ex", "core-file \(core)"]
    }

    /// Runs gdb on the terminal until it exits; returns its wait status, 0 on success.
    ///
    /// - Throws: ``StoreError`` with `noDebugger` if it cannot be started.
    public func run() throws(StoreError) -> Int32 {
        // The core must exist until gdb exits.
        defer { withExtendedLifetime(folder) {} }
        var arguments: [UnsafeMutablePointer<CChar>?] = self.arguments.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        // gdb handles Ctrl-C.
        let old = signal(SIGINT, SIG_IGN)
        defer { signal(SIGINT, old) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for number in [SIGINT, SIGPIPE] { sigaddset(&defaults, number) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var child: pid_t = 0
        let error = posix_spawn(&child, self.arguments[0], nil, &attributes, &arguments, environ)
        guard error == 0 else {
            throw StoreError(
                .noDebugger, "cannot start gdb: \(FileFailure.reason(error))", path: self.arguments[0])
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
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

    private static func absolute(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}

extension Store {
    /// Extracts the core dump of the first of these crashes that has one, and prepares it for gdb.
    ///
    /// - Parameters:
    ///   - crashes: the crashes, newest first.
    ///   - progress: called before the core is extracted.
    /// - Throws: ``StoreError`` with `noCore`, `noDebugger` or `compressedCore`, `CrashError` when the extracted core
    ///   cannot be read, or as ``pack(_:)`` and ``export(member:of:as:in:)`` do.
    public func debug(_ crashes: [ListedCrash], progress: (StoreProgress) -> Void) throws -> CoreDebugging {
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
        guard let gdb = Self.find("gdb") else {
            throw StoreError(
                .noDebugger, "gdb is not installed",
                hint: "apt-get install gdb; or salvage cat \(session) \(path) > core, to debug it elsewhere")
        }
        let folder = try TemporaryFolder("salvage-debug")
        let core = try extract(session, path, in: folder.path, progress)
        return CoreDebugging(gdb, core: core, of: record, symbols, in: folder)
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
            error.hint = "write the right one to a file with salvage cat --artifact, and open it with gdb"
            throw error
        }
        progress(.extracting(path: path, bytes: pack.reader.members[index].size))
        let core = try export(member: index, of: pack, as: "core", in: folder + "/core")
        guard try Self.isELF(try FileByteSource(path: core)) else {
            throw StoreError(
                .compressedCore, "the core is stored compressed, as it was collected; gdb cannot read it",
                session: session, path: path, hint: "salvage cat \(session) \(path), then decompress it")
        }
        return core
    }

    private static func isELF(_ file: FileByteSource) throws -> Bool {
        var magic = [UInt8](repeating: 0, count: 4)
        let count = try magic.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
        return count == 4 && magic == [0x7F, 0x45, 0x4C, 0x46]
    }

    private static func find(_ program: String) -> String? {
        (Environment.value("PATH") ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(program)" }
            .first { access($0, X_OK) == 0 }
    }
}
