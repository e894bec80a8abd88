import CrashAnalysis
import Files
import Glibc
import Model
import Text

/// Copies the symbols of crashed stacks into a bundle, each file once.
final class BundleSymbols {
    private let symbols: SymbolStore
    /// Has what `symbols` has copies of; nil if `symbols` has all.
    private let origin: (any SymbolOrigin)?
    private let tree: ExportTree
    /// The place in the bundle of each file that was copied, by its path in the store.
    private var copied: ByteDictionary<String> = [:]
    /// The place in the bundle of each file that was copied, by its identity: debug file and program may be one file.
    private var places: [FileIdentity: String] = [:]
    /// What exists and could not be read.
    private(set) var faults: [StoreError] = []
    /// The number of files in the bundle.
    var count: Int { copied.count }

    init(_ symbols: SymbolStore, origin: (any SymbolOrigin)?, tree: ExportTree) {
        self.symbols = symbols
        self.origin = origin
        self.tree = tree
    }

    /// Copies the files of the modules that are in a crash's stacks.
    func add(for record: CrashRecord) throws {
        var named = record
        named.modules = Self.modules(inStacksOf: record)
        let fetched = origin?.fetch(for: [named])
        defer { withExtendedLifetime(fetched) {} }
        faults += fetched?.failures.map { StoreError($0) } ?? []
        for path in symbols.files(for: named) { try copy(path) }
    }

    /// The file of a program or library in the bundle; nil if it is not there.
    func program(of module: CrashModule) -> String? {
        if let identity = module.buildID {
            return symbols.path(buildID: identity, kind: .executable).flatMap { copied[$0] }
        }
        return symbols.path(name: module.name, firstPage: module.firstPage).flatMap { copied[$0] }
    }

    /// The modules with a frame in any stack, and the program itself.
    static func modules(inStacksOf record: CrashRecord) -> [CrashModule] {
        var identities: Set<String> = []
        var names: ByteSet = []
        for frame in record.frames + record.threads.flatMap(\.frames) {
            if let identity = frame.buildID { identities.insert(identity) }
            if let name = frame.module { names.insert(name) }
        }
        return record.modules.filter { module in
            module.buildID.map { identities.contains($0) } ?? false || names.contains(module.name)
                || isProgram(module, of: record)
        }
    }

    /// Whether a module is the program that crashed.
    static func isProgram(_ module: CrashModule, of record: CrashRecord) -> Bool {
        guard let executable = record.executable else { return false }
        if let path = module.path { return path.hasSameBytes(as: executable) }
        return module.name.hasSameBytes(as: Folders.split(executable).name)
    }

    private func copy(_ path: String) throws {
        guard copied[path] == nil else { return }
        let components =
            [BundleFormat.symbols] + ExportName.components(of: Array(path.utf8.dropFirst(symbols.root.utf8.count + 1)))
        let source: OpenFile
        let identity: FileIdentity
        do throws(FileFailure) {
            source = try OpenFile(path, O_RDONLY | O_NONBLOCK)
            identity = try FileIdentity(of: source.descriptor)
        } catch {
            if !error.isAbsence {
                faults.append(StoreError(.unreadable, "the symbols cannot be read: \(error.reason)", path: path))
            }
            return
        }
        if let first = places[identity], let place = try tree.link(first, to: components) {
            copied[path] = place
            return
        }
        let file = try tree.createFile(components)
        defer { close(file.descriptor) }
        tree.note(file.path)
        do throws(FileFailure) {
            try Descriptor.copy(source.descriptor, path, to: file.descriptor, file.path)
        } catch {
            throw StoreError(
                .bundleFailed, "cannot copy the symbols into the bundle: \(error.reason)", path: path,
                hint: error.isFull ? "free space on the bundle's disk" : nil)
        }
        copied[path] = file.path
        places[identity] = file.path
    }
}
