extension Unwinder {
    /// The most words of a stack to search for the return address of a function without frame pointer or tables.
    private static let searchedWords: UInt64 = 512
    /// The most candidates of a scan that are checked by unwinding further.
    static let triedCandidates = 256
    /// The most bytes after a call's target that belong to one function when no symbol says where it starts.
    private static let assumedLength: UInt64 = 4096

    /// Finds the caller of an innermost function without a frame pointer: the return address is where the call put it.
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

    /// Finds the caller by a return address below `limit` that follows a call of this very function.
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

    /// True when the frame pointer belongs to a function further out: unwind tables lead from a return address below it
    /// to the same caller. A library without tables has left the register untouched.
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

    /// Finds the caller of an arm64 leaf by the link register, which holds the return address until the function calls
    /// another.
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

    /// What the unwind tables say about a word that may be a return address.
    enum Verdict {
        /// They unwind further from it, or the stack ends there.
        case leadsOn
        /// They do not cover it.
        case unknown
        /// They need a register whose value is unknown.
        case incomplete
        /// They lead to an address that is not code: the word was left by an earlier call.
        case stale
    }

    /// The most steps to check a word by: a stale word may still have some of its callers above it.
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

    /// Completes a caller found by a scan with the frame pointer that the tables rate best, and returns their verdict.
    /// Candidates are the word that a prologue pushes next to the return address, the callee's frame pointer, and none.
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

/// What a walk may still spend on searching for callers that no table gives.
struct ScanBudget {
    /// Bytes of stack.
    var bytes: UInt64
    /// Words of stack to check for a return address that can be confirmed.
    private var words: UInt64
    /// Unwind steps to verify candidates.
    var steps: UInt64

    init(bytes: UInt64) {
        self.bytes = bytes
        words = bytes / 8
        steps = bytes / 128
    }

    /// Spends one word; false when none is left.
    mutating func takeWord() -> Bool {
        guard words > 0 else { return false }
        words -= 1
        return true
    }
}
