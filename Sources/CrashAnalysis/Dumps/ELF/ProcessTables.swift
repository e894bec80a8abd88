import Model

/// The modules of a process, for unwinding and for naming frames.
final class ProcessTables: UnwindTables {
    let arch: Architecture
    let modules: [ModuleSymbols]
    private let memory: any ProcessMemory
    private let code: [Range<UInt64>]
    private var start: UInt64 = 0
    private var parameters: UInt64 = 0

    /// `anonymous` holds ranges of code that belong to no module, such as just-in-time compiled code.
    init(
        arch: Architecture, modules: [MappedModule], store: SymbolStore?, memory: any ProcessMemory,
        anonymous: [Range<UInt64>] = []
    ) {
        self.arch = arch
        self.memory = memory
        let sorted = modules.sorted { $0.record.base < $1.record.base }
        self.modules = sorted.map { ModuleSymbols(module: $0, store: store, memory: memory, is64: arch.is64) }
        let mapped = sorted.flatMap { module in
            module.code.isEmpty && module.record.base.value < module.end
                ? [module.record.base.value..<module.end] : module.code
        }
        code = (mapped + anonymous).sorted { $0.lowerBound < $1.lowerBound }
    }

    func module(at address: UInt64) -> ModuleSymbols? {
        var low = 0
        var high = modules.count
        while low < high {
            let middle = (low + high) / 2
            if modules[middle].module.record.base.value <= address { low = middle + 1 } else { high = middle }
        }
        for at in stride(from: low - 1, through: max(0, low - 4), by: -1) where at >= 0 {
            if modules[at].module.contains(address) { return modules[at] }
        }
        return nil
    }

    func step(_ registers: Registers, lookup: UInt64, memory: any ProcessMemory) -> (StackStep.Outcome, Bool)? {
        guard let symbols = module(at: lookup) else { return nil }
        if let breakpad = symbols.breakpad {
            let offset = lookup &- symbols.module.record.base.value
            // The callee's parameters are between its frame and this one.
            let inner = registers.sp == start ? 0 : parameters
            parameters = breakpad.parameterSize(at: offset)
            if let caller = BreakpadStep.step(
                breakpad, offset: offset, registers: registers, memory: memory, innerParameters: inner)
            {
                return (.caller(caller), false)
            }
            return nil
        }
        let address = lookup &- symbols.bias
        for table in symbols.frames {
            guard let entry = table.entry(for: address),
                let row = CFIProgram.row(entry, for: address, wordSize: Int(arch.wordSize))
            else { continue }
            return (StackStep.apply(row, to: registers, memory: memory), row.signalFrame)
        }
        return nil
    }

    /// Starts another stack: the parameter size of the last frame no longer applies.
    func begin(_ registers: Registers) {
        start = registers.sp
        parameters = 0
    }

    func isCode(_ address: UInt64) -> Bool {
        var low = 0
        var high = code.count
        while low < high {
            let middle = (low + high) / 2
            if code[middle].lowerBound <= address { low = middle + 1 } else { high = middle }
        }
        return low > 0 && code[low - 1].contains(address)
    }

    func callTarget(before address: UInt64) -> UInt64? {
        let bytes = module(at: address &- 1).map { $0.bytes(before: address) } ?? anonymousBytes(before: address)
        return CallSites.target(bytes, endingAt: address, arch: arch)
    }

    func functionStart(_ address: UInt64) -> UInt64? { module(at: address)?.functionStart(at: address) }

    func code(at address: UInt64, count: Int) -> [UInt8] {
        module(at: address).map { $0.bytes(at: address, count: count) } ?? memory.bytes(at: address, count: count)
    }

    private func anonymousBytes(before address: UInt64) -> [UInt8] {
        address >= 8 ? memory.bytes(at: address - 8, count: 8) : []
    }

    func mayFollowCall(_ address: UInt64) -> Bool {
        guard let symbols = module(at: address &- 1) else {
            return CallSites.mayEnd(anonymousBytes(before: address), arch: arch)
        }
        if let breakpad = symbols.breakpad {
            return !breakpad.calls(at: address &- 1 &- symbols.module.record.base.value).isEmpty
        }
        return CallSites.mayEnd(symbols.bytes(before: address), arch: arch)
    }

    /// Returns named frames, with inlined calls as frames of their own.
    func frames(_ raw: [RawFrame], sourceLines: Bool) -> [CrashFrame] {
        var frames: [CrashFrame] = []
        for one in raw {
            var frame = CrashFrame(index: 0, trust: one.trust)
            frame.address = Address(one.lookup)
            guard let symbols = module(at: one.lookup) else {
                frames.append(frame)
                continue
            }
            frame.module = symbols.module.record.name
            frame.offset = Address(one.lookup &- symbols.module.record.base.value)
            frame.buildID = symbols.module.record.buildID ?? symbols.module.record.debugID
            if one.isSignalFrame {
                frame.function = RawFrame.handlerName
                frames.append(frame)
                continue
            }
            let calls = sourceLines ? symbols.calls(at: one.lookup) : []
            for call in calls.dropLast() where call.inlined {
                var inline = frame
                inline.trust = .inline
                inline.inlined = true
                inline.function = call.function
                inline.file = call.file
                inline.line = call.line
                frames.append(inline)
            }
            frame.function = symbols.function(at: one.lookup)
            if let last = calls.last {
                // DWARF omits the scope from names of functions with internal linkage.
                if let name = last.function, frame.function?.contains("(") != true || name.contains("(") {
                    frame.function = name
                }
                frame.file = last.file
                frame.line = last.line
            }
            frames.append(frame)
        }
        for index in frames.indices { frames[index].index = index }
        return frames
    }
}
