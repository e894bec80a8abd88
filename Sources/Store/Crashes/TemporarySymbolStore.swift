import CrashAnalysis
import Files
import Glibc
import Model

/// Symbols from files outside a store: an existing symbol store, or a temporary one made from the given files.
final class TemporarySymbolStore {
    /// The symbols.
    let store: SymbolStore
    /// The executable that is used for the program of every dump; nil to use the one with its build id.
    let program: String?
    /// The given symbols that exist but could not be read.
    private(set) var unread: [StoreError] = []
    private let temporary: TemporaryFolder?
    /// The store to which the temporary one has links.
    private var linked: SymbolStore?
    private var placed: Set<String> = []
    private var identities: Set<String> = []

    /// Uses the symbol store at a path, or makes one from the executables and debug files below it.
    ///
    /// - Parameters:
    ///   - path: a folder with `.build-id`, a store, or a folder of files.
    ///   - program: an executable.
    ///   - copies: the copies of a shared store's symbols, used if `path` is nil. They may be made later.
    /// - Throws: ``StoreError`` with `noTemporaryFolder`; `CrashError` if a file cannot be read.
    init(_ path: String?, program: String?, copies: SymbolStore? = nil) throws {
        self.program = program
        let existing =
            path == nil
            ? copies?.root
            : path.flatMap { path in
                [path, path + "/symbols"].first { root in
                    [".build-id", ".by-name"].contains { StorePath.mayExist(root + "/" + $0) }
                }
            }
        if let existing, program == nil {
            store = SymbolStore(root: existing)
            temporary = nil
            return
        }
        let folder = try TemporaryFolder("salvage-symbols")
        temporary = folder
        store = SymbolStore(root: folder.path)
        if let existing {
            linked = SymbolStore(root: existing)
            unread = link()
        } else if let path {
            unread = try store.add(path: path).unread.map { StoreError($0) }
        }
    }

    /// Fills the temporary store with links to the files of a user's store, which is not changed, and adds those that have
    /// come since; returns an error for each that is missing there, and for each folder that cannot be listed.
    @discardableResult
    func link() -> [StoreError] {
        guard let store = linked, let folder = temporary?.path else { return [] }
        let survey = store.survey()
        var unread = survey.unread.map { StoreError($0) }
        for entry in survey.entries {
            let target = folder + entry.path.dropFirst(store.root.count)
            do throws(FileFailure) {
                guard let source = realpath(entry.path, nil) else { throw FileFailure.last("read", entry.path) }
                defer { free(source) }
                try Folders.make(Folders.split(target).folder)
                guard symlink(source, target) == 0 || errno == EEXIST else { throw FileFailure.last("link", target) }
            } catch {
                unread.append(
                    StoreError(.unreadable, "the symbols cannot be used: \(error.reason)", path: entry.path))
            }
        }
        return unread
    }

    /// Adds the program under the name that the dump gives its own program.
    ///
    /// - Throws: `CrashError` if the program cannot be read.
    func place(for record: CrashRecord) throws {
        guard let program, let name = Self.programName(record), !placed.contains(name) else { return }
        identities.formUnion(try store.add(program: program, as: name).identities)
        placed.insert(name)
    }

    /// Adds a note to the record if the program is not the one that dumped core.
    func marked(_ record: CrashRecord) -> CrashRecord {
        guard let program, let name = Self.programName(record),
            let module = record.modules.first(where: { $0.name == name }), let own = module.buildID ?? module.firstPage,
            !identities.contains(own)
        else { return record }
        var record = record
        record.notes.append(
            "\(program) is not the program of this dump: its \(module.buildID == nil ? "first page" : "build id") differs"
        )
        return record
    }

    private static func programName(_ record: CrashRecord) -> String? {
        guard let executable = record.executable else { return nil }
        let module = record.modules.first { $0.path == executable }
        return module?.name ?? executable.split(separator: "/").last.map(String.init)
    }
}
