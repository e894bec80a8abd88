/// Applies a row of call frame information to registers.
enum StackStep {
    /// The caller's registers; `ended` when the row says that the stack ends here, `failed` when something needed is
    /// missing.
    enum Outcome {
        case caller(Registers)
        case ended
        case failed
    }

    static func apply(_ row: CFIRow, to registers: Registers, memory: any ProcessMemory) -> Outcome {
        guard let frame = frameAddress(row, registers, memory) else { return .failed }
        let arch = registers.arch
        if row.rules[row.returnRegister] == .undefined { return .ended }
        var caller = Registers(arch)
        for number in arch.calleeSaved { caller[number] = registers[number] }
        if row.signalFrame { caller = registers }
        caller[arch.spRegister] = frame
        for (number, rule) in row.rules where number < 33 {
            caller[number] = value(rule, number, frame: frame, registers, memory)
        }
        guard
            let back = row.rules[row.returnRegister] == nil && arch.linkRegister == row.returnRegister
                ? registers[row.returnRegister]
                : value(row.rules[row.returnRegister] ?? .same, row.returnRegister, frame: frame, registers, memory)
        else { return .failed }
        // Pointer authentication stores its signature in the unused high bits.
        caller.pc = arch == .arm64 ? back & 0x0000_ffff_ffff_ffff : back
        return .caller(caller)
    }

    private static func frameAddress(
        _ row: CFIRow, _ registers: Registers, _ memory: any ProcessMemory
    ) -> UInt64? {
        switch row.frame {
        case .register(let number, let offset):
            return registers[number].map { $0 &+ UInt64(bitPattern: offset) }
        case .expression(let program):
            return CFIExpression.evaluate(program, pushing: nil, registers: registers, memory: memory)
        case nil:
            return nil
        }
    }

    private static func value(
        _ rule: RegisterRule, _ number: Int, frame: UInt64, _ registers: Registers, _ memory: any ProcessMemory
    ) -> UInt64? {
        let size = Int(registers.arch.wordSize)
        switch rule {
        case .undefined: return nil
        case .same: return registers[number]
        case .offset(let offset): return memory.load(frame &+ UInt64(bitPattern: offset), size: size)
        case .valueOffset(let offset): return frame &+ UInt64(bitPattern: offset)
        case .register(let other): return registers[other]
        case .expression(let program):
            return CFIExpression.evaluate(program, pushing: frame, registers: registers, memory: memory)
                .flatMap { memory.load($0, size: size) }
        case .valueExpression(let program):
            return CFIExpression.evaluate(program, pushing: frame, registers: registers, memory: memory)
        }
    }
}
