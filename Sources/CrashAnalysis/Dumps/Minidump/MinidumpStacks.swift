import Model

extension MinidumpFile {
    /// Unwinds the threads that the options select and names their frames.
    func unwind(into record: inout CrashRecord, symbols: SymbolStore?, options: CrashAnalyzer.Options) {
        guard let arch = system.arch else { return }
        let tables = ProcessTables(arch: arch, modules: modules, store: symbols, memory: memory)
        let limit = options.allThreads ? options.threadLimit : 1
        for index in record.threads.indices.prefix(limit) {
            guard let thread = threads.first(where: { $0.id == record.threads[index].thread }),
                thread.id != dumpingThread || thread.id == record.thread, let registers = registers(of: thread)
            else { continue }
            let isCrashed = index == 0 && thread.id == record.thread
            let most = isCrashed ? Unwinder.frameLimit : CrashAnalyzer.Options.framesOfOthers
            let stack = RegionMemory(memory: memory, sp: registers.sp, fallback: thread.stack)
            let unwinder = Unwinder(
                arch: arch, memory: stack, tables: tables, style: .minidump(windows: system.platform == .windows))
            let raw = unwinder.walk(registers, atMost: most)
            let frames = tables.frames(raw, sourceLines: options.sourceLines)
            record.threads[index].frames =
                isCrashed ? record.kept(frames, walked: raw.count) : Array(frames.prefix(most))
        }
        record.frames = record.threads.first.map { $0.thread == record.thread ? $0.frames : [] } ?? []
        record.markSymbols(tables, withoutIdentity: .missing)
    }
}

/// One region of a minidump's memory: unwinding must not leave the stack.
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
