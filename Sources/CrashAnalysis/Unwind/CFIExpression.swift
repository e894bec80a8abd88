/// Evaluates the DWARF expressions that call frame information uses (DWARF 5 section 2.5): registers, constants,
/// memory, arithmetic and comparisons; no calls, no pieces.
struct CFIExpression {
    private static let stepLimit = 1024
    private static let depthLimit = 64

    private var stack: [UInt64] = []
    private let registers: Registers
    private let memory: any ProcessMemory

    private init(registers: Registers, memory: any ProcessMemory) {
        self.registers = registers
        self.memory = memory
    }

    /// Returns the value on top of the stack at the end; nil when the program is broken or reads what the dump lacks.
    static func evaluate(
        _ program: [UInt8], pushing first: UInt64?, registers: Registers, memory: any ProcessMemory
    ) -> UInt64? {
        var machine = CFIExpression(registers: registers, memory: memory)
        if let first { machine.stack.append(first) }
        var cursor = DwarfCursor(ByteView(bytes: program))
        var steps = 0
        while !cursor.isAtEnd {
            steps += 1
            guard steps <= stepLimit, machine.stack.count <= depthLimit, machine.step(&cursor) else { return nil }
        }
        return machine.stack.last
    }

    private mutating func step(_ cursor: inout DwarfCursor) -> Bool {
        guard let code = cursor.byte() else { return false }
        switch code {
        case 0x30...0x4f: stack.append(UInt64(code - 0x30))
        case 0x70...0x8f:
            guard let offset = cursor.sleb(), let value = registers[Int(code - 0x70)] else { return false }
            stack.append(value &+ UInt64(bitPattern: offset))
        case 0x92:
            guard let number = cursor.uleb(), number < 33, let offset = cursor.sleb(),
                let value = registers[Int(number)]
            else { return false }
            stack.append(value &+ UInt64(bitPattern: offset))
        case 0x03: return constant(cursor.unsigned(Int(registers.arch.wordSize)))
        case 0x08: return constant(cursor.unsigned(1))
        case 0x0a: return constant(cursor.unsigned(2))
        case 0x0c: return constant(cursor.unsigned(4))
        case 0x0e: return constant(cursor.unsigned(8))
        case 0x09: return constant(cursor.signed(1).map { UInt64(bitPattern: $0) })
        case 0x0b: return constant(cursor.signed(2).map { UInt64(bitPattern: $0) })
        case 0x0d: return constant(cursor.signed(4).map { UInt64(bitPattern: $0) })
        case 0x0f: return constant(cursor.signed(8).map { UInt64(bitPattern: $0) })
        case 0x10: return constant(cursor.uleb())
        case 0x11: return constant(cursor.sleb().map { UInt64(bitPattern: $0) })
        case 0x06: return load(size: Int(registers.arch.wordSize))
        case 0x94:
            guard let size = cursor.byte(), size >= 1, size <= 8 else { return false }
            return load(size: Int(size))
        case 0x28, 0x2f: return jump(code, &cursor)
        case 0x23:
            guard let top = stack.popLast(), let value = cursor.uleb() else { return false }
            stack.append(top &+ value)
        case 0x96: return true
        default: return arrange(code, &cursor)
        }
        return true
    }

    private mutating func constant(_ value: UInt64?) -> Bool {
        guard let value else { return false }
        stack.append(value)
        return true
    }

    private mutating func load(size: Int) -> Bool {
        guard let address = stack.popLast(), let value = memory.load(address, size: size) else { return false }
        stack.append(value)
        return true
    }

    private mutating func jump(_ code: UInt8, _ cursor: inout DwarfCursor) -> Bool {
        guard let delta = cursor.signed(2) else { return false }
        if code == 0x28 {
            guard let top = stack.popLast() else { return false }
            if top == 0 { return true }
        }
        let target = cursor.at + Int(delta)
        guard target >= 0, target <= cursor.end else { return false }
        cursor.at = target
        return true
    }

    private mutating func arrange(_ code: UInt8, _ cursor: inout DwarfCursor) -> Bool {
        switch code {
        case 0x12:
            guard let top = stack.last else { return false }
            stack.append(top)
        case 0x13: return stack.popLast() != nil
        case 0x14:
            guard stack.count >= 2 else { return false }
            stack.append(stack[stack.count - 2])
        case 0x16:
            guard stack.count >= 2 else { return false }
            stack.swapAt(stack.count - 1, stack.count - 2)
        case 0x1f, 0x20, 0x19:
            guard let top = stack.popLast() else { return false }
            let negative = Int64(bitPattern: top) < 0
            stack.append(code == 0x20 ? ~top : code == 0x1f || negative ? 0 &- top : top)
        default: return arithmetic(code)
        }
        return true
    }

    private mutating func arithmetic(_ code: UInt8) -> Bool {
        guard let right = stack.popLast(), let left = stack.popLast() else { return false }
        let signedLeft = Int64(bitPattern: left)
        let signedRight = Int64(bitPattern: right)
        let result: UInt64
        switch code {
        case 0x1a: result = left & right
        case 0x1b:
            guard signedRight != 0, !(signedRight == -1 && signedLeft == .min) else { return false }
            result = UInt64(bitPattern: signedLeft / signedRight)
        case 0x1c: result = left &- right
        case 0x1d:
            guard right != 0 else { return false }
            result = left % right
        case 0x1e: result = left &* right
        case 0x21: result = left | right
        case 0x22: result = left &+ right
        case 0x24: result = right < 64 ? left << right : 0
        case 0x25: result = right < 64 ? left >> right : 0
        case 0x26: result = UInt64(bitPattern: signedLeft >> Int64(min(right, 63)))
        case 0x27: result = left ^ right
        case 0x29: result = left == right ? 1 : 0
        case 0x2a: result = signedLeft >= signedRight ? 1 : 0
        case 0x2b: result = signedLeft > signedRight ? 1 : 0
        case 0x2c: result = signedLeft <= signedRight ? 1 : 0
        case 0x2d: result = signedLeft < signedRight ? 1 : 0
        case 0x2e: result = left != right ? 1 : 0
        default: return false
        }
        stack.append(result)
        return true
    }
}
