extension ELFCore {
    /// Deep recursion is told by its ends.
    private static let keptTop = 96
    private static let keptBottom = 32

    /// Unwinds the threads and names their frames, as far as the options say.
    func unwind(into record: inout CrashRecord, symbols: SymbolStore?, options: CrashAnalyzer.Options) {
        guard let arch = header.arch, !header.bigEndian else { return }
        let tables = ProcessTables(arch: arch, modules: modules, store: symbols, memory: memory)
        let count = options.allThreads ? min(record.threads.count, options.threadLimit) : 1
        for (index, thread) in notes.threads.prefix(count).enumerated() {
            let unwinder = Unwinder(
                arch: arch, memory: memory, tables: tables, style: .core, scanBudget: index == 0 ? 1 << 20 : 1 << 16)
            let raw = unwinder.walk(thread.registers, scanFrom: memory.nextStored(thread.registers.sp, within: 1 << 20))
            var frames = tables.frames(raw, sourceLines: options.sourceLines && index == 0)
            if raw.count >= Unwinder.frameLimit || frames.count > 256 {
                if index == 0 { record.notes.append("\(raw.count) frames: only the ends of the stack are kept") }
                frames = Array(frames.prefix(Self.keptTop) + frames.suffix(Self.keptBottom))
            }
            if index > 0 { frames = Array(frames.prefix(CrashAnalyzer.Options.framesOfOthers)) }
            record.threads[index].frames = frames
        }
        record.frames = record.threads.first?.frames ?? []
        if isStackOverflow(record) { record.message = "stack overflow" }
        for (index, module) in modules.enumerated() where index < record.modules.count {
            guard let known = tables.modules.first(where: { $0.module.record.base == module.record.base }) else {
                continue
            }
            let used = record.threads.contains { $0.frames.contains { $0.module == module.record.name } }
            record.modules[index].symbols =
                !used || module.record.buildID == nil && !known.hasSymbols
                ? .unknown : known.hasSymbols || known.isStored ? .found : .missing
        }
    }

    /// A fault next to the stack pointer, below what is mapped of the stack.
    private func isStackOverflow(_ record: CrashRecord) -> Bool {
        guard record.signal == "SIGSEGV", let address = notes.address, let thread = notes.threads.first,
            record.address != nil
        else { return false }
        let sp = thread.registers.sp
        let distance = address > sp ? address - sp : sp - address
        guard distance < 1 << 16, record.frames.count > 64 else { return false }
        return !memory.holds(address) || !memory.holds(sp &- 4096)
    }
}
