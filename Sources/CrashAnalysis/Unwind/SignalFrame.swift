/// The frame that the Linux kernel puts on a stack for a signal handler to return to: the interrupted registers and the
/// signal (`arch/x86/include/asm/sigframe.h`, `arch/arm64/kernel/signal.c`).
struct SignalFrame {
    /// The registers when the signal arrived.
    var registers: Registers
    /// Signal number; nil when the handler was not given siginfo and the trap number does not tell.
    var signal: Int?
    /// The signal's code; nil when it is unknown.
    var code: Int?
    /// The value where siginfo holds a fault's address.
    var address: UInt64?

    private static let signals = 1...64
    private static let codes = -64...0x80

    /// Reads the frame at the stack pointer of a handler's trampoline; nil when there is none.
    ///
    /// Recognized by its own fields, because the trampoline's code may be missing from the dump.
    init?(trampoline: Registers, memory: any ProcessMemory) {
        switch trampoline.arch {
        case .amd64: self.init(amd64: trampoline, memory)
        case .arm64: self.init(arm64: trampoline, memory)
        case .x86: self.init(x86: trampoline, memory)
        case .arm: return nil
        }
    }

    /// Slots of the general registers in the machine context, by DWARF number.
    private static let amd64Slots = [13, 12, 14, 11, 9, 8, 10, 15, 0, 1, 2, 3, 4, 5, 6, 7, 16]
    private static let x86Slots = [7, 6, 5, 4, 3, 2, 1, 0, 10]

    private init?(amd64 trampoline: Registers, _ memory: any ProcessMemory) {
        let context = trampoline.sp
        // User code runs in segment 0x33, and bit 1 of the flags is always set.
        guard memory.load(context &+ 184, size: 2) == 0x33, let flags = memory.load(context &+ 176, size: 8),
            flags & 2 != 0, flags < 1 << 22, let kind = memory.load(context, size: 8), kind < 64
        else { return nil }
        registers = Registers(.amd64)
        for (number, slot) in Self.amd64Slots.enumerated() {
            registers[number] = memory.load(context &+ 40 &+ UInt64(slot * 8), size: 8)
        }
        guard registers.sp > 0 else { return nil }
        takeInformation(memory, at: context &+ 304, addressAt: 16)
        if signal == nil { takeTrap(memory, context) }
    }

    /// Infers the signal from the processor's trap: a handler that did not request siginfo gets none.
    private mutating func takeTrap(_ memory: any ProcessMemory, _ context: UInt64) {
        switch memory.load(context &+ 200, size: 8) {
        case 14:
            signal = 11
            address = memory.load(context &+ 216, size: 8)
            // Bit 0 of a page fault's error code: the page was present but the access was not allowed.
            code = memory.load(context &+ 192, size: 8).map { $0 & 1 == 0 ? 1 : 2 }
        case 13:
            signal = 11
            code = 0x80
        case 6: signal = 4
        case 17: signal = 7
        default: break
        }
    }

    private init?(arm64 trampoline: Registers, _ memory: any ProcessMemory) {
        let start = trampoline.sp
        let context = start &+ 304
        guard let kind = memory.load(start &+ 128, size: 8), kind < 64,
            // User code runs at exception level 0.
            let state = memory.load(context &+ 272, size: 8), state & 0xffff_ffff_0000_001f == 0,
            let pc = memory.load(context &+ 264, size: 8), pc & 3 == 0
        else { return nil }
        registers = Registers(.arm64)
        for number in 0..<33 { registers[number] = memory.load(context &+ 8 &+ UInt64(number * 8), size: 8) }
        guard registers.sp > 0 else { return nil }
        takeInformation(memory, at: start, addressAt: 16)
    }

    /// Only the frame of a handler that requested siginfo points to siginfo and context.
    private init?(x86 trampoline: Registers, _ memory: any ProcessMemory) {
        let start = trampoline.sp
        guard let signal = memory.load(start, size: 4), Self.signals.contains(Int(signal)),
            let info = memory.load(start &+ 4, size: 4), info == (start &+ 12) & 0xffff_ffff,
            let context = memory.load(start &+ 8, size: 4), context > info, context - info <= 256
        else { return nil }
        registers = Registers(.x86)
        for (number, slot) in Self.x86Slots.enumerated() {
            registers[number] = memory.load(context &+ 36 &+ UInt64(slot * 4), size: 4)
        }
        guard registers.sp > 0 else { return nil }
        takeInformation(memory, at: info, addressAt: 12)
        if self.signal == nil { self.signal = Int(signal) }
    }

    /// Reads siginfo, accepting only what a kernel writes: the memory may hold stale data.
    private mutating func takeInformation(
        _ memory: any ProcessMemory, at info: UInt64, addressAt offset: UInt64
    ) {
        guard let number = memory.load(info, size: 4), Self.signals.contains(Int(number)),
            memory.load(info &+ 4, size: 4) == 0,
            let code = memory.load(info &+ 8, size: 4).map({ Int(Int32(truncatingIfNeeded: $0)) }),
            Self.codes.contains(code)
        else { return }
        signal = Int(number)
        self.code = code
        address = memory.load(info &+ offset, size: Int(registers.arch.wordSize))
    }

    /// True for the signals by which a process itself fails.
    var isFault: Bool { signal.map { [4, 5, 6, 7, 8, 11, 31].contains($0) } ?? false }
}
