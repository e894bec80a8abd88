import Glibc
import Model

/// The code, unwind tables, functions and source lines of one module; loaded on first use, from the symbol store by
/// build id, else from the dump itself.
final class ModuleSymbols {
    let module: MappedModule
    private let store: SymbolStore?
    private let memory: any ProcessMemory
    private let is64: Bool
    /// The files of the store that were opened.
    private var opened: [(path: String, source: FileByteSource)] = []
    /// Notes about files that exist and could not be opened.
    private var unopened: [String] = []
    /// Notes about symbols of the module that cannot be used as they are.
    private(set) var refused: [String] = []

    init(module: MappedModule, store: SymbolStore?, memory: any ProcessMemory, is64: Bool) {
        self.module = module
        self.store = store
        self.memory = memory
        self.is64 = is64
    }

    /// What to add to an address in the file to get the address in memory; taken from the file when the dump has no ELF
    /// headers.
    private(set) lazy var bias: UInt64 = {
        guard module.segments.isEmpty, let file = executable ?? debug,
            let first = file.segments.first(where: { $0.type == ELFSegment.load })
        else { return module.bias }
        return module.record.base.value &- (first.address &- first.offset)
    }()

    private(set) lazy var breakpad: BreakpadSymbols? = {
        guard let store, let identity = module.record.debugID, let name = module.debugFile,
            let path = store.breakpadPath(debugFile: name, debugID: identity), let source = read(path, of: store)
        else { return nil }
        return BreakpadSymbols(source)
    }()

    private(set) lazy var executable: SymbolFile? = open(.executable)
    private(set) lazy var debug: SymbolFile? = open(.debug)

    private func open(_ kind: SymbolStore.Entry.Kind) -> SymbolFile? {
        guard let identity = module.record.buildID else { return kind == .executable ? openNamed() : nil }
        guard let store, let path = store.path(buildID: identity, kind: kind),
            let source = read(path, of: store), let file = SymbolFile(source),
            // A file under the wrong name would give frames that are wrong but look right.
            file.buildID == identity
        else { return nil }
        return file
    }

    /// Opens the file of a module without a build id, by its name and first page.
    private func openNamed() -> SymbolFile? {
        guard let store, module.record.debugID == nil,
            let path = store.path(name: module.record.name, firstPage: module.record.firstPage),
            let source = read(path, of: store), let file = SymbolFile(source), file.buildID == nil,
            module.record.firstPage == nil || FirstPage.digest(of: source) == module.record.firstPage
        else { return nil }
        return file
    }

    /// Opens a file of the store; nil when there is none, or, with a note, when it cannot be read now.
    private func read(_ path: String, of store: SymbolStore) -> FileByteSource? {
        do throws(CrashError) {
            guard let source = try store.source(path) else { return nil }
            opened.append((path, source))
            return source
        } catch {
            unopened.append(SymbolNotes.note(error.reason, path))
            return nil
        }
    }

    private func refuse(_ reason: String) {
        let note = SymbolNotes.notApplied + "the MiniDebugInfo of \(module.record.name) \(reason)"
        if !refused.contains(note) { refused.append(note) }
    }

    /// Notes about files of the module that exist but could not be read: what they hold seems absent.
    var faults: [String] {
        unopened + opened.compactMap { file in file.source.failure.map { SymbolNotes.note($0.reason, file.path) } }
    }

    /// True when the store has files of this module and none of them could be read.
    var isUnread: Bool { !faults.isEmpty && !isStored && breakpad == nil }

    /// The module's bytes: from a file, else from the dump.
    private(set) lazy var image: (any ModuleImage)? = {
        if let executable, executable.hasCode { return executable }
        return module.segments.isEmpty ? nil : MemoryImage(memory: memory, module: module, is64: is64)
    }()

    private(set) lazy var frames: [CFITable] = {
        var tables: [CFITable] = []
        if let table = executable?.makeCFITable() { tables.append(table) }
        if let table = debug?.makeCFITable() { tables.append(table) }
        if tables.isEmpty, !module.segments.isEmpty {
            let image = MemoryImage(memory: memory, module: module, is64: is64)
            let table = CFITable(image: image)
            if table.isUsable { tables.append(table) }
        }
        return tables
    }()

    private lazy var tables: [SymbolTable] = {
        var tables: [SymbolTable] = []
        for file in [debug, executable].compactMap({ $0 }) {
            if let table = SymbolTable(file), !table.isEmpty { tables.append(table) }
            if file.section(".symtab") == nil, let mini = MiniDebugInfo.open(file, refused: { self.refuse($0) }),
                let table = SymbolTable(mini)
            {
                tables.append(table)
            }
        }
        if tables.isEmpty, let table = SymbolTable(memory: memory, module: module, is64: is64) { tables.append(table) }
        return tables
    }()

    private lazy var lines: SourceLines? = {
        for file in [debug, executable] {
            guard let file, file.hasDebugInfo, let source = file.source as? FileByteSource else { continue }
            if let lines = SourceLines(file: source) { return lines }
        }
        return nil
    }()

    /// True when functions can be named.
    var hasSymbols: Bool { breakpad != nil || !tables.isEmpty }

    /// True when the store has a file of this module.
    var isStored: Bool { executable != nil || debug != nil }

    func function(at address: UInt64) -> String? {
        if breakpad != nil { return calls(at: address).last?.function }
        let inside = address &- bias
        return tables.lazy.compactMap { $0.function(at: inside) { self.isInside($0, inside) }?.name }.first
            .map(Demangler.demangle)
    }

    /// False when unwind tables show that the function around an address begins after `start`, a symbol without a size.
    private func isInside(_ start: UInt64, _ address: UInt64) -> Bool {
        frames.lazy.compactMap { $0.entry(for: address) }.first.map { $0.start <= start } ?? true
    }

    func calls(at address: UInt64) -> [SourceLines.Call] {
        guard let breakpad else { return lines?.calls(at: address &- bias) ?? [] }
        return breakpad.calls(at: address &- module.record.base.value).map {
            // Not every tool that writes these files demangles the names.
            SourceLines.Call(
                function: Demangler.demangle($0.function), file: $0.file, line: $0.line, inlined: $0.inlined)
        }
    }

    /// Returns the start of the function around an address, by symbols, else by tables.
    func functionStart(at address: UInt64) -> UInt64? {
        guard breakpad == nil else { return nil }
        let inside = address &- bias
        if let found = tables.lazy.compactMap({ $0.function(at: inside)?.start }).first { return found &+ bias }
        return frames.lazy.compactMap { $0.entry(for: inside)?.start }.first.map { $0 &+ bias }
    }

    /// Returns at most `count` of the module's bytes at an address.
    func bytes(at address: UInt64, count: Int) -> [UInt8] {
        image?.bytes(atVirtual: address &- bias, count: count) ?? []
    }

    /// Returns up to eight bytes before an address.
    func bytes(before address: UInt64) -> [UInt8] {
        image?.bytes(atVirtual: address &- bias &- 8, count: 8) ?? []
    }
}

/// `.gnu_debugdata`: a small ELF file with a symbol table, compressed by xz, inside a stripped one.
enum MiniDebugInfo {
    private static let limit: UInt64 = 64 << 20

    /// Unpacks it; nil when a file has none, one that is damaged, or one that takes too much memory. Calls `refused`
    /// with the reason only in the last case.
    static func open(_ file: SymbolFile, refused: (String) -> Void) -> SymbolFile? {
        let packed = file.content(".gnu_debugdata", limit: limit)
        guard !packed.isEmpty, let plain = CompressedELF.unpack(packed, refused: refused) else { return nil }
        return SymbolFile(MemoryByteSource(plain))
    }
}
