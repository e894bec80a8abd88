import Model

/// One frame before it is named.
struct RawFrame {
    var registers: Registers
    var trust: FrameTrust
    /// The address to look up: of the instruction for frame 0 and for the frame a signal interrupted, else one before
    /// the return address, so that a call at a function's very end belongs to that function.
    var lookup: UInt64
    /// True for the kernel's trampoline between a signal handler and the interrupted frame.
    var isSignalFrame = false
    /// The name of such a frame, as gdb prints it.
    static let handlerName = "<signal handler called>"
    /// The signal frame, when this is the trampoline and the frame was found.
    var signal: SignalFrame?
}

/// What unwinding needs from a process besides its memory.
protocol UnwindTables: AnyObject {
    /// Returns the caller by call frame information, and whether this is a signal frame; nil when no table covers the
    /// address.
    func step(_ registers: Registers, lookup: UInt64, memory: any ProcessMemory) -> (StackStep.Outcome, Bool)?
    /// Called before each stack.
    func begin(_ registers: Registers)
    /// True when an address lies in code.
    func isCode(_ address: UInt64) -> Bool
    /// False when the bytes before a return address are known not to be a call.
    func mayFollowCall(_ address: UInt64) -> Bool
    /// Returns the target of the call before a return address; nil unless the call is direct.
    func callTarget(before address: UInt64) -> UInt64?
    /// Returns the start of the function around an address, by symbols or tables.
    func functionStart(_ address: UInt64) -> UInt64?
    /// Returns at most `count` bytes of code at an address; fewer where they are unknown.
    func code(at address: UInt64, count: Int) -> [UInt8]
}

/// Walks one stack by call frame information, else frame pointers, else a scan that marks its frames as such.
struct Unwinder {
    /// Cores hold whole stacks and tables; minidumps hold little, and unwinding follows the rules of their own tools.
    enum Style {
        case core
        case minidump(windows: Bool)
    }

    static let frameLimit = 1024

    let arch: Architecture
    let memory: any ProcessMemory
    let tables: any UnwindTables
    let style: Style
    /// The most bytes of stack that scans may read in total.
    var scanBudget: UInt64 = 1 << 20

    /// Returns at most `limit` frames from `start`; `scanFrom` is where the scan for the first caller begins when the
    /// stack pointer points to nothing stored.
    func walk(_ start: Registers, scanFrom: UInt64? = nil, atMost limit: Int = frameLimit) -> [RawFrame] {
        tables.begin(start)
        var frames = [RawFrame(registers: start, trust: .context, lookup: start.pc)]
        var budget = ScanBudget(bytes: scanBudget)
        while frames.count < limit, let callee = frames.last {
            var callee = callee
            if frames.count == 1, let scanFrom, memory.load(start.sp, size: Int(arch.wordSize)) == nil,
                tables.step(start, lookup: start.pc, memory: memory) == nil
            {
                callee.registers.sp = scanFrom
            }
            guard let (caller, trust, interrupted) = caller(of: callee, first: frames.count == 1, budget: &budget),
                caller.pc >= 4096, interrupted || progresses(callee.registers, caller, first: frames.count == 1)
            else { break }
            if interrupted {
                frames[frames.count - 1].isSignalFrame = true
                if case .core = style {
                    frames[frames.count - 1].signal = SignalFrame(trampoline: callee.registers, memory: memory)
                }
            }
            frames.append(
                RawFrame(registers: caller, trust: trust, lookup: interrupted ? caller.pc : caller.pc &- 1))
        }
        return frames
    }

    /// True when the stack shrinks, as it must on the way out; a leaf on a machine with a link register may keep its
    /// stack pointer.
    private func progresses(_ callee: Registers, _ caller: Registers, first: Bool) -> Bool {
        if caller.sp > callee.sp { return true }
        return first && arch.linkRegister != nil && caller.sp == callee.sp && caller.pc != callee.pc
    }

    private func caller(
        of callee: RawFrame, first: Bool, budget: inout ScanBudget
    ) -> (Registers, FrameTrust, Bool)? {
        let registers = callee.registers
        if let (outcome, signal) = tables.step(registers, lookup: callee.lookup, memory: memory) {
            switch outcome {
            case .caller(let caller): return (caller, .cfi, signal)
            case .ended: return nil
            case .failed: break
            }
        }
        guard case .core = style else {
            if let caller = byFramePointer(registers, first: first) { return (caller, .framePointer, false) }
            return scan(registers, trust: callee.trust, budget: &budget).map { ($0, .scan, false) }
        }
        if !first, let frame = SignalFrame(trampoline: registers, memory: memory) {
            return (frame.registers, .context, true)
        }
        if first, !tables.isCode(registers.pc), let jumped = afterWildCall(registers) { return (jumped, .scan, false) }
        let linked = byFramePointer(registers, first: first)
        if let linked, tables.callTarget(before: linked.pc) != nil,
            calls(registers.pc, from: tables.functionStart(registers.pc), before: linked.pc)
        {
            return (linked, .framePointer, false)
        }
        // The frame that a signal interrupted is innermost, too.
        let innermost = first || callee.trust == .context
        if innermost, let caller = byLinkRegister(registers, saved: linked?.pc) { return (caller, .call, false) }
        if let caller = byCallOfSelf(registers, below: linked.map(\.sp), first: innermost, &budget) {
            return (caller, .call, false)
        }
        if innermost, let caller = byBareReturn(registers), verdict(caller, &budget) != .stale {
            return (caller, .call, false)
        }
        if let linked, !isOfCaller(linked, registers, &budget) { return (linked, .framePointer, false) }
        return scan(registers, trust: callee.trust, budget: &budget).map { ($0, .scan, false) }
    }

    /// Finds the caller after a call through a bad pointer: the return address is where the call just put it.
    private func afterWildCall(_ registers: Registers) -> Registers? {
        var caller = registers
        if let link = arch.linkRegister {
            guard let back = registers[link], tables.isCode(back) else { return nil }
            caller.pc = back
            return caller
        }
        guard let back = memory.load(registers.sp, size: Int(arch.wordSize)), tables.isCode(back &- 1) else {
            return nil
        }
        caller.pc = back
        caller.sp = registers.sp &+ arch.wordSize
        return caller
    }

    private func byFramePointer(_ registers: Registers, first: Bool) -> Registers? {
        if case .minidump(windows: true) = style, arch == .amd64 { return nil }
        let word = arch.wordSize
        guard arch != .arm, let frame = registers.fp, frame < UInt64.max - 2 * word,
            let next = memory.load(frame, size: Int(word)), let back = memory.load(frame &+ word, size: Int(word))
        else { return nil }
        var caller = Registers(arch)
        caller.sp = frame &+ 2 * word
        caller.fp = next
        caller.pc = back
        switch (style, arch) {
        case (_, .arm64): return byLink(registers, next: next, back: back, first: first)
        case (.minidump, .x86): return caller
        case (.minidump, _):
            guard next >= caller.sp, memory.load(next, size: 8) != nil, Self.isCanonical(back),
                caller.sp > registers.sp, memory.load(caller.sp, size: 8) != nil
            else { return nil }
        case (.core, _):
            guard frame >= registers.sp, frame % word == 0, tables.isCode(back &- 1), tables.mayFollowCall(back) else {
                return nil
            }
        }
        return caller
    }

    /// Follows the arm64 frame record; the innermost frame may instead be a leaf whose caller is in the link register.
    private func byLink(_ registers: Registers, next: UInt64, back: UInt64, first: Bool) -> Registers? {
        guard let frame = registers.fp else { return nil }
        let address = back & 0x0000_ffff_ffff_ffff
        guard frame >= registers.sp, tables.isCode(address &- 4) else { return nil }
        var caller = Registers(arch)
        caller.fp = next
        caller.sp = frame &+ 16
        caller.pc = address
        return caller
    }

    private func scan(_ registers: Registers, trust: FrameTrust, budget: inout ScanBudget) -> Registers? {
        let word = arch.wordSize
        var limit = budget.bytes / word
        if case .minidump = style {
            limit = trust == .context || (trust == .cfi && arch == .amd64) ? 160 : 40
        }
        var at = registers.sp
        var doubtful: (caller: Registers, steps: UInt64, verdict: Verdict)?
        var tried = 0
        for step in 0..<limit {
            guard let value = memory.load(at, size: Int(word)) else { break }
            if value >= 4096, Self.isCanonical(value) || word == 4, tables.isCode(value &- 1),
                tables.mayFollowCall(value) || isTrampoline(value, sp: at &+ word)
            {
                var caller = Registers(arch)
                caller.pc = value
                caller.sp = at &+ word
                caller.fp = framePointer(registers, returnAt: at, step: step, callerSP: at &+ word)
                tried += 1
                var verdict = Verdict.unknown
                if case .core = style, tried <= Self.triedCandidates {
                    (caller, verdict) = completed(caller, callee: registers, returnAt: at, &budget)
                }
                if verdict == .leadsOn || verdict == .unknown {
                    budget.bytes -= min(budget.bytes, (step + 1) * word)
                    return caller
                }
                if doubtful == nil || verdict == .incomplete && doubtful?.verdict == .stale {
                    doubtful = (caller, step + 1, verdict)
                }
            }
            let (next, overflow) = at.addingReportingOverflow(word)
            guard !overflow else { break }
            at = next
        }
        guard let doubtful else {
            budget.bytes = 0
            return nil
        }
        budget.bytes -= min(budget.bytes, doubtful.steps * word)
        return doubtful.caller
    }

    private func isTrampoline(_ back: UInt64, sp: UInt64) -> Bool {
        guard case .core = style else { return false }
        var registers = Registers(arch)
        registers.pc = back
        registers.sp = sp
        return SignalFrame(trampoline: registers, memory: memory) != nil
    }

    /// Returns the frame pointer after a scan: the word below the return address if it looks like one, else the old
    /// one.
    private func framePointer(_ registers: Registers, returnAt: UInt64, step: UInt64, callerSP: UInt64) -> UInt64? {
        let word = arch.wordSize
        guard step > 0, arch == .x86 || arch == .amd64 else { return nil }
        let below = returnAt &- word
        guard let saved = memory.load(below, size: Int(word)) else { return nil }
        let old = registers.fp
        let linked = arch == .x86 || old == below
        if linked, saved > returnAt, saved - below <= 128 << 10 {
            if memory.load(saved, size: Int(word)) != nil { return saved }
            return nil
        }
        guard let old, old >= callerSP, arch == .amd64 || memory.load(old, size: Int(word)) != nil else { return nil }
        return old
    }

    static func isCanonical(_ address: UInt64) -> Bool { address < 1 << 47 || address >= 0xffff_8000_0000_0000 }
}
