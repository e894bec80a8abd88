import Model

extension ELFCore {
    /// Unwinds the threads that the options select and names their frames.
    func unwind(into record: inout CrashRecord, symbols: SymbolStore?, options: CrashAnalyzer.Options) {
        guard let arch = header.arch, !header.bigEndian else { return }
        let tables = ProcessTables(
            arch: arch, modules: modules, store: symbols, memory: memory, anonymous: anonymousCode)
        let count = options.allThreads ? min(record.threads.count, options.threadLimit) : 1
        var death: Death?
        for (index, thread) in notes.threads.prefix(count).enumerated() {
            guard let registers = thread.registers else { continue }
            let unwinder = Unwinder(
                arch: arch, memory: memory, tables: tables, style: .core, scanBudget: index == 0 ? 1 << 20 : 1 << 16)
            let most = index == 0 ? Unwinder.frameLimit : CrashAnalyzer.Options.framesOfOthers
            let raw = unwinder.walk(
                registers, scanFrom: memory.nextStored(registers.sp, within: 1 << 20), atMost: most)
            let frames = tables.frames(raw, sourceLines: options.sourceLines && index == 0)
            record.threads[index].frames =
                index == 0 ? record.kept(frames, walked: raw.count) : Array(frames.prefix(most))
            guard index == 0 else { continue }
            if raw.count == 1, memory.nextStored(registers.sp, within: 1 << 20) == nil {
                record.notes.append("the core does not hold the stack of the crashed thread")
            }
            death = Death(raw)
            record.frames = death.map { record.kept($0.below(frames), walked: raw.count) } ?? record.threads[0].frames
        }
        if let death { record.take(death) }
        if isStackOverflow(record, death) { record.message = "stack overflow" }
        record.markSymbols(tables, withoutIdentity: .unknown)
        noteNameless(in: &record)
    }

    /// Adds a note for each module on the stack without a build id.
    private func noteNameless(in record: inout CrashRecord) {
        // If no module has one, the headers are missing: another note says so.
        guard record.modules.contains(where: { $0.buildID != nil || $0.firstPage != nil }) else { return }
        let used = Set(record.frames.compactMap(\.module))
        for module in record.modules where module.buildID == nil && used.contains(module.name) {
            let rest =
                switch (module.firstPage, module.symbols) {
                case (nil, _): " and the core lacks its first page: pass its file with --exe"
                case (_, .found): ": its symbols come from a file with the same name and first page"
                default: ": its symbols are looked up by name and first page"
                }
            record.notes.append("\(module.name) has no build id" + rest)
        }
    }

    /// Code outside every file, as just-in-time compilers make it. Executable stacks are excluded.
    private var anonymousCode: [Range<UInt64>] {
        let stacks = notes.threads.prefix(CrashAnalyzer.Options.mostThreads).compactMap(\.registers?.sp).sorted()
        let starts = modules.map(\.record.base.value)
        /// Returns how many of the ascending `numbers` are at most `limit`.
        func count(_ numbers: [UInt64], upTo limit: UInt64) -> Int {
            var low = 0
            var high = numbers.count
            while low < high {
                let middle = (low + high) / 2
                if numbers[middle] <= limit { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return segments.filter { $0.type == ELFSegment.load && $0.flags & 1 != 0 && $0.memorySize > 0 }
            .map { $0.address..<$0.address.addingClamped($0.memorySize) }
            .filter { range in
                let before = count(starts, upTo: range.lowerBound)
                if before > 0, modules[before - 1].contains(range.lowerBound) { return false }
                return count(stacks, upTo: range.lowerBound) == count(stacks, upTo: range.upperBound)
            }
    }

    /// True when a deep stack faulted within 64 KiB of the stack pointer and the core lacks the memory there or a page
    /// below the stack pointer.
    private func isStackOverflow(_ record: CrashRecord, _ death: Death?) -> Bool {
        guard record.signal == "SIGSEGV", let address = record.address?.value,
            let sp = death?.frame.registers.sp ?? notes.threads.first?.registers?.sp
        else { return false }
        let distance = address > sp ? address - sp : sp - address
        guard distance < 1 << 16, record.frames.count > 64 else { return false }
        return !memory.holds(address) || !memory.holds(sp &- 4096)
    }
}

/// The fault behind the death of a process whose signal handler wrote a report and then ended it.
struct Death {
    /// The frame that the kernel made for the handler.
    let frame: SignalFrame
    /// The number of handler frames on the stack down to this fault's.
    private let handlers: Int

    /// Finds the outermost fault on a stack; nil when no fault handler was running.
    init?(_ stack: [RawFrame]) {
        let handlers = stack.filter(\.isSignalFrame)
        guard let outermost = handlers.lastIndex(where: { $0.signal?.isFault == true }),
            let frame = handlers[outermost].signal, stack.last?.isSignalFrame == false
        else { return nil }
        self.frame = frame
        self.handlers = outermost + 1
    }

    /// Returns the frames of the code that the handler interrupted.
    func below(_ frames: [CrashFrame]) -> [CrashFrame] {
        var left = handlers
        for (index, frame) in frames.enumerated() where frame.function == RawFrame.handlerName {
            left -= 1
            guard left == 0 else { continue }
            var rest = Array(frames[(index + 1)...])
            for index in rest.indices { rest[index].index = index }
            return rest
        }
        return frames
    }
}

extension CrashRecord {
    /// Records the fault in place of the signal with which its handler ended the process.
    fileprivate mutating func take(_ death: Death) {
        guard let number = death.frame.signal else { return }
        let name = SignalNames.name(number)
        let last = [signal, exception].compactMap { $0 }.joined(separator: " ")
        notes.append("a \(name) handler was running when the process ended with \(last): its frames are omitted")
        signal = name
        exception = death.frame.code.flatMap { SignalNames.code($0, of: number) }
        address = nil
        if let code = death.frame.code, SignalNames.hasAddress(number, code: code) {
            address = death.frame.address.map(Address.init)
        }
    }
}
