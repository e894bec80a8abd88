extension Unwinder {
    /// How far up a stack the return address of a function without frame or tables is looked for.
    private static let searchedWords: UInt64 = 512
    /// The most candidates of a scan that are tried by a step further.
    static let triedCandidates = 256
    /// Code that a call leads to without a symbol in between is taken for one function up to this length.
    private static let assumedLength: UInt64 = 4096

    /// The caller of an innermost function that keeps no frame pointer: its return address lies where the call put it.
    func byBareReturn(_ registers: Registers) -> Registers? {
        guard arch == .amd64 || arch == .x86, let start = tables.functionStart(registers.pc) else { return nil }
        var code = tables.code(at: start, count: 8)[...]
        var at = start
        // endbr64 and endbr32
        if code.count > 4, code.starts(with: [0xf3, 0x0f, 0x1e]) {
            code = code.dropFirst(4)
            at &+= 4
        }
        guard let first = code.first else { return nil }
        var pushed: UInt64 = 0
        if first == 0x55 {
            guard registers.pc &- at <= 1 || registers.pc < at else { return nil }
            pushed = registers.pc == at &+ 1 ? 1 : 0
        }
        let place = registers.sp &+ pushed &* arch.wordSize
        guard let back = memory.load(place, size: Int(arch.wordSize)), tables.isCode(back &- 1),
            tables.mayFollowCall(back)
        else { return nil }
        var caller = kept(registers)
        caller.pc = back
        caller.sp = place &+ arch.wordSize
        return caller
    }

    /// The caller by a return address that stands behind a call of this very function, below `limit`.
    func byCallOfSelf(
        _ registers: Registers, below limit: UInt64?, first: Bool, _ budget: inout ScanBudget
    ) -> Registers? {
        guard arch == .amd64 || arch == .x86 else { return nil }
        let start = tables.functionStart(registers.pc)
        var at = registers.sp
        for _ in 0..<Self.searchedWords {
            guard budget.takeWord(), limit.map({ at < $0 }) ?? true,
                let value = memory.load(at, size: Int(arch.wordSize))
            else { return nil }
            if value >= 4096, tables.isCode(value &- 1), calls(registers.pc, from: start, before: value) {
                var caller = first ? kept(registers) : Registers(arch)
                caller.pc = value
                caller.sp = at &+ arch.wordSize
                if first {
                    if verdict(caller, &budget) != .stale { return caller }
                } else {
                    let (whole, verdict) = completed(caller, callee: registers, returnAt: at, &budget)
                    if verdict != .stale { return whole }
                }
            }
            at &+= arch.wordSize
        }
        return nil
    }

    /// True when the frame pointer is that of a function further out, whose tables lead from a return address below it to
    /// the same caller: a library without tables has left the register alone.
    func isOfCaller(_ linked: Registers, _ registers: Registers, _ budget: inout ScanBudget) -> Bool {
        guard let frame = registers.fp else { return false }
        var at = registers.sp
        for _ in 0..<Self.searchedWords {
            guard at < frame, budget.steps > 0, budget.takeWord(),
                let value = memory.load(at, size: Int(arch.wordSize))
            else { return false }
            if value >= 4096, value != linked.pc, tables.isCode(value &- 1), tables.mayFollowCall(value) {
                var caller = Registers(arch)
                caller.pc = value
                caller.sp = at &+ arch.wordSize
                caller.fp = frame
                budget.steps -= 1
                if case .caller(let next)? = tables.step(caller, lookup: value &- 1, memory: memory)?.0,
                    next.pc == linked.pc, next.sp == linked.sp
                {
                    return true
                }
            }
            at &+= arch.wordSize
        }
        return false
    }

    /// The caller of an arm64 leaf stands in the link register until the function calls something itself.
    func byLinkRegister(_ registers: Registers, saved: UInt64?) -> Registers? {
        guard arch == .arm64, let link = registers[30].map({ $0 & 0x0000_ffff_ffff_ffff }), link != saved,
            tables.isCode(link &- 4), tables.mayFollowCall(link), let own = tables.functionStart(registers.pc),
            tables.functionStart(link &- 4) != own
        else { return nil }
        var caller = kept(registers)
        caller.fp = registers.fp
        caller.pc = link
        caller.sp = registers.sp
        return caller
    }

    private func kept(_ registers: Registers) -> Registers {
        var caller = Registers(arch)
        for number in arch.calleeSaved { caller[number] = registers[number] }
        return caller
    }

    /// True when the call before a return address leads to the function around `pc`.
    func calls(_ pc: UInt64, from start: UInt64?, before back: UInt64) -> Bool {
        guard let target = tables.callTarget(before: back) else { return false }
        if let start { return target == start }
        return target <= pc && pc - target < Self.assumedLength
    }

    /// What the unwind tables say of a word that may be a return address.
    enum Verdict {
        /// They lead on from it, or the stack ends there.
        case leadsOn
        /// There are none for it.
        case unknown
        /// They need a register that is not known.
        case incomplete
        /// They lead to what is no code: the word was left by an earlier call.
        case stale
    }

    /// Stale words may still have some of their callers above them.
    private static let stepsAhead = 4

    func verdict(_ caller: Registers, _ budget: inout ScanBudget) -> Verdict {
        var current = caller
        for depth in 0..<Self.stepsAhead {
            guard budget.steps > 0 else { return .unknown }
            budget.steps -= 1
            guard let (outcome, signal) = tables.step(current, lookup: current.pc &- 1, memory: memory) else {
                return depth > 0 ? .leadsOn : .unknown
            }
            switch outcome {
            case .ended: return .leadsOn
            case .failed: return depth > 0 ? .leadsOn : .incomplete
            case .caller(let next):
                if signal || next.pc == 0 && depth > 0 { return .leadsOn }
                guard next.sp > current.sp else { return .stale }
                guard tables.isCode(next.pc &- 1), tables.mayFollowCall(next.pc) else {
                    return SignalFrame(trampoline: next, memory: memory) != nil ? .leadsOn : .stale
                }
                current = next
            }
        }
        return .leadsOn
    }

    /// The best of what may be the frame pointer of a caller that a scan found, with what the tables say then: the word
    /// that a prologue pushes next to the return address, what the callee left alone, or none.
    func completed(
        _ found: Registers, callee: Registers, returnAt: UInt64, _ budget: inout ScanBudget
    ) -> (Registers, Verdict) {
        let word = arch.wordSize
        var first: (Registers, Verdict)?
        let pushed = returnAt > callee.sp ? memory.load(returnAt &- word, size: Int(word)) : nil
        for pointer in [found.fp, pushed, callee.fp, nil] {
            if let pointer {
                guard pointer > returnAt, pointer % word == 0,
                    let back = memory.load(pointer &+ word, size: Int(word)), tables.isCode(back &- 1)
                else { continue }
            }
            var caller = found
            caller.fp = pointer ?? found.fp
            let verdict = verdict(caller, &budget)
            if verdict == .leadsOn || verdict == .unknown { return (caller, verdict) }
            if first == nil || verdict == .incomplete { first = (caller, verdict) }
        }
        return first ?? (found, .stale)
    }
}

/// How much a walk may still search for callers that no table names.
struct ScanBudget {
    /// Bytes of stack.
    var bytes: UInt64
    /// Words of stack that are looked at for a return address that can be confirmed.
    private var words: UInt64
    /// Steps by tables to see whether a word is what it looks like.
    var steps: UInt64

    init(bytes: UInt64) {
        self.bytes = bytes
        words = bytes / 8
        steps = bytes / 128
    }

    /// False when no more may be looked at.
    mutating func takeWord() -> Bool {
        guard words > 0 else { return false }
        words -= 1
        return true
    }
}
