extension MinidumpFile {
    /// Unwinds the threads and names their frames, as far as the options say.
    func unwind(into record: inout CrashRecord, symbols: SymbolStore?, options: CrashAnalyzer.Options) {
        guard let arch = system.arch else { return }
        let tables = ProcessTables(arch: arch, modules: modules, store: symbols, memory: memory)
        let limit = options.allThreads ? options.threadLimit : 1
        for index in record.threads.indices.prefix(limit) {
            guard let thread = threads.first(where: { $0.id == record.threads[index].thread }),
                thread.id != dumpingThread || thread.id == record.thread, let registers = registers(of: thread)
            else { continue }
            let stack = RegionMemory(memory: memory, sp: registers.sp, fallback: thread.stack)
            let unwinder = Unwinder(
                arch: arch, memory: stack, tables: tables, style: .minidump(windows: system.platform == .windows))
            record.threads[index].frames = tables.frames(
                unwinder.walk(registers), sourceLines: options.sourceLines)
        }
        record.frames = record.threads.first.map { $0.thread == record.thread ? $0.frames : [] } ?? []
        for index in record.modules.indices {
            guard let known = tables.modules.first(where: { $0.module.record.base == record.modules[index].base })
            else {
                continue
            }
            let used = record.threads.contains { $0.frames.contains { $0.module == record.modules[index].name } }
            record.modules[index].symbols = !used ? .unknown : known.hasSymbols || known.isStored ? .found : .missing
        }
    }
}

/// One region of a minidump's memory: a stack is walked within itself.
final class RegionMemory: ProcessMemory {
    private let memory: MinidumpMemory
    private let region: MinidumpMemory.Region?

    init(memory: MinidumpMemory, sp: UInt64, fallback: MinidumpMemory.Region?) {
        self.memory = memory
        region = memory.region(sp) ?? fallback
    }

    private func holds(_ address: UInt64, _ size: UInt64) -> Bool {
        guard let region, address >= region.start, address - region.start < region.size else { return false }
        return region.size - (address - region.start) >= size
    }

    func bytes(at address: UInt64, count: Int) -> [UInt8] {
        holds(address, UInt64(max(0, count))) ? memory.bytes(at: address, count: count) : []
    }

    func load(_ address: UInt64, size: Int) -> UInt64? {
        holds(address, UInt64(max(0, size))) ? memory.load(address, size: size) : nil
    }
}
