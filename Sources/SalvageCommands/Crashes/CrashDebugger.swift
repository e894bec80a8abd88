import Catalog
import CrashAnalysis
import Glibc
import Ingest
import Model
import Pack
import Store
import Terminal
import Text

/// Starts gdb on a core from the store, with the files that the symbol store has for the core's build ids.
///
/// gdb opens every path that a core names. Its sysroot is therefore a private folder that holds, under those paths,
/// links to files of the symbol store and nothing else. Auto-loaded scripts and debuginfod are off.
struct CrashDebugger {
    let store: Store
    let options: GlobalOptions

    /// Runs gdb until it exits, then ends the command: with success if gdb exited with 0, else with failure.
    func run(_ crashes: [ListedCrash]) throws -> Never {
        let stored = crashes.compactMap { crash in
            if case .stored(let stored) = crash { stored } else { nil }
        }
        guard let crash = stored.first(where: { $0.record?.detector == "elf_core" }), let record = crash.record,
            let path = record.member
        else {
            throw Failure(
                "no_core",
                "no core dump to debug: \(stored.first.map { Self.origin($0.row.kind) } ?? "no crash")",
                session: stored.first?.row.session, hint: "salvage crash shows what is known", status: .nothingFound)
        }
        guard let gdb = Self.find("gdb") else {
            throw Failure(
                "no_gdb", "gdb is not installed",
                hint: "apt-get install gdb; or salvage cat "
                    + "\(Escape.display(crash.row.session)) \(Escape.display(path)) > core, to debug it elsewhere")
        }
        let folder = try TemporaryFolder.make("salvage-debug")
        let status: Int32
        do {
            status = try debug(gdb, crash.row.session, path, record, in: folder)
        } catch {
            TemporaryFolder.remove(folder)
            throw error
        }
        TemporaryFolder.remove(folder)
        throw EndedWith(status: status == 0 ? .success : .failure)
    }

    /// Says where a crash that is not a core dump comes from.
    private static func origin(_ kind: String) -> String {
        "this crash was read from a report of kind '\(kind)'"
    }

    private func debug(
        _ gdb: String, _ session: String, _ path: String, _ record: CrashRecord, in folder: String
    ) throws -> Int32 {
        let core = try extract(session, path, in: folder)
        let symbols = store.symbols
        let root = folder + "/root"
        let libraries = folder + "/lib"
        for made in [root, libraries] { mkdir(made, 0o700) }
        var program: String?
        for module in record.modules {
            guard let identity = module.buildID, let file = symbols.path(buildID: identity, kind: .executable),
                access(file, R_OK) == 0, let absolute = Self.absolute(file)
            else { continue }
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
        if let program {
            arguments += ["-ex", "file \(program)"]
        } else if !options.quiet {
            let sink = BufferedOutput(descriptor: STDERR_FILENO)
            sink.write("salvage: the executable is not in the symbol store: salvage symbols add FILE\n")
            sink.flush()
        }
        arguments += ["-ex", "core-file \(core)"]
        return try Self.run(arguments)
    }

    /// Writes the core as a sparse file and returns its path.
    private func extract(_ session: String, _ path: String, in folder: String) throws -> String {
        let pack = try store.pack(session)
        let index: Int
        do {
            index = try pack.member(MemberPath(path)).index
        } catch var error as StoreError where error.code == .ambiguousPath {
            error.hint = "write the right one to a file with salvage cat --artifact, and open it with gdb"
            throw error
        }
        let progress = Progress(quiet: options.quiet)
        progress.update("extracting \(Escape.display(path)), \(SizeText.binary(pack.reader.members[index].size))")
        let core = try store.export(member: index, of: pack, as: "core", in: folder + "/core")
        progress.finish()
        guard let written = try? FileByteSource(path: core), Self.isELF(written) else {
            throw Failure(
                "compressed_core", "the core is stored compressed, as it was collected; gdb cannot read it",
                session: session, path: path,
                hint: "salvage cat \(Escape.display(session)) \(Escape.display(path)), then decompress it")
        }
        return core
    }

    private static func isELF(_ file: FileByteSource) -> Bool {
        var magic = [UInt8](repeating: 0, count: 4)
        let count = magic.withUnsafeMutableBytes { (try? file.read(at: 0, into: $0)) ?? 0 }
        return count == 4 && magic == [0x7F, 0x45, 0x4C, 0x46]
    }

    /// Links a file of the symbol store under the path that the core names, below our root, and under its bare name,
    /// because the dynamic linker's own list has other paths.
    private static func place(_ file: String, under module: CrashModule, root: String, libraries: String) {
        let parts = (module.path ?? module.name).split(separator: "/").map(String.init)
        guard let name = parts.last, !parts.contains(".."), !parts.contains("."), parts.count < 64,
            !module.name.utf8.contains(0)
        else { return }
        var folder = root
        for part in parts.dropLast() {
            folder += "/" + part
            mkdir(folder, 0o700)
        }
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

    private static func find(_ program: String) -> String? {
        (Environment.value("PATH") ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(program)" }
            .first { access($0, X_OK) == 0 }
    }

    private static func run(_ words: [String]) throws -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
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
        let error = posix_spawn(&child, words[0], nil, &attributes, &arguments, environ)
        guard error == 0 else {
            throw Failure("no_gdb", "cannot start gdb: \(String(cString: strerror(error)))", path: words[0])
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
