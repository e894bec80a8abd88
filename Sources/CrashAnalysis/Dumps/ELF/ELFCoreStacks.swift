extension ELFCore {
    /// Unwinds the threads and names their frames, as far as the options say.
    func unwind(into record: inout CrashRecord, symbols: SymbolStore?, options: CrashAnalyzer.Options) {
        guard let arch = header.arch, !header.bigEndian else { return }
        let tables = ProcessTables(arch: arch, modules: modules, store: symbols, memory: memory)
        let count = options.allThreads ? min(record.threads.count, options.threadLimit) : 1
        for (index, thread) in notes.threads.prefix(count).enumerated() {
            let unwinder = Unwinder(
                arch: arch, memory: memory, tables: tables, style: .core, scanBudget: index == 0 ? 1 << 20 : 1 << 16)
            let most = index == 0 ? Unwinder.frameLimit : CrashAnalyzer.Options.framesOfOthers
            let raw = unwinder.walk(
                thread.registers, scanFrom: memory.nextStored(thread.registers.sp, within: 1 << 20), atMost: most)
            let frames = tables.frames(raw, sourceLines: options.sourceLines && index == 0)
            record.threads[index].frames =
                index == 0 ? record.kept(frames, walked: raw.count) : Array(frames.prefix(most))
        }
        record.frames = record.threads.first?.frames ?? []
        if isStackOverflow(record) { record.message = "stack overflow" }
        record.markSymbols(tables, withoutIdentity: .unknown)
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
