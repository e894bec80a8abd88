/// Unwinds by Breakpad's STACK CFI and STACK WIN records.
enum BreakpadStep {
    private static let tokenLimit = 512
    private static let depthLimit = 64

    /// Returns the caller's registers; nil when there is no record or it cannot be evaluated. `innerParameters` is the
    /// size in bytes of the parameters that this frame pushed for its callee.
    static func step(
        _ symbols: BreakpadSymbols, offset: UInt64, registers: Registers, memory: any ProcessMemory,
        innerParameters: UInt64
    ) -> Registers? {
        if registers.arch == .x86, let frame = symbols.windowsFrame(at: offset) {
            if let program = frame.program {
                return run(program, frame, registers, memory, innerParameters: innerParameters)
            }
            return plain(frame, registers, memory, innerParameters: innerParameters)
        }
        guard let rules = symbols.frameRules(at: offset) else { return nil }
        return apply(rules, registers, memory)
    }

    private static func apply(
        _ rules: [String: [Substring]], _ registers: Registers, _ memory: any ProcessMemory
    ) -> Registers? {
        let arch = registers.arch
        var values: [String: UInt64] = [:]
        for (number, name) in arch.registerNames.enumerated() {
            if let value = registers[number] {
                values[name] = value
                values["$" + name] = value
            }
        }
        if arch == .arm64 {
            values["x29"] = registers[29]
            values["x30"] = registers[30]
        }
        guard let frameRule = rules[".cfa"], let frame = evaluate(frameRule, &values, memory, arch) else { return nil }
        values[".cfa"] = frame
        guard let backRule = rules[".ra"], let back = evaluate(backRule, &values, memory, arch) else { return nil }
        var caller = Registers(arch)
        for number in arch.calleeSaved { caller[number] = registers[number] }
        caller.sp = frame
        caller.pc = back
        for (name, rule) in rules where name != ".cfa" && name != ".ra" {
            guard let number = number(name, arch) else { continue }
            caller[number] = evaluate(rule, &values, memory, arch)
        }
        return caller
    }

    private static func number(_ name: String, _ arch: Architecture) -> Int? {
        let bare = name.hasPrefix("$") ? String(name.dropFirst()) : name
        if arch == .arm64, bare == "x29" { return 29 }
        if arch == .arm64, bare == "x30" { return 30 }
        return arch.registerNames.firstIndex(of: bare)
    }

    /// Evaluates reverse Polish notation: numbers, names, `+ - * / % @ ^ =`; nil when it is malformed or reads what the
    /// dump lacks.
    private static func evaluate(
        _ tokens: [Substring], _ values: inout [String: UInt64], _ memory: any ProcessMemory, _ arch: Architecture
    ) -> UInt64? {
        enum Item {
            case number(UInt64)
            case name(String)
        }
        var stack: [Item] = []
        func value(_ item: Item?) -> UInt64? {
            switch item {
            case .number(let number): number
            case .name(let name): values[name]
            case nil: nil
            }
        }
        let mask: UInt64 = arch.is64 ? .max : 0xffff_ffff
        guard tokens.count <= tokenLimit else { return nil }
        for token in tokens {
            guard stack.count <= depthLimit else { return nil }
            switch token {
            case "+", "-", "*", "/", "%", "@":
                guard let right = value(stack.popLast()), let left = value(stack.popLast()) else { return nil }
                let result: UInt64
                switch token {
                case "+": result = left &+ right
                case "-": result = left &- right
                case "*": result = left &* right
                case "@":
                    guard right != 0 else { return nil }
                    result = left / right * right
                default:
                    guard right != 0 else { return nil }
                    result = token == "/" ? left / right : left % right
                }
                stack.append(.number(result & mask))
            case "^":
                guard let address = value(stack.popLast()),
                    let word = memory.load(address, size: Int(arch.wordSize))
                else { return nil }
                stack.append(.number(word))
            case "=":
                guard let right = value(stack.popLast()), case .name(let name)? = stack.popLast() else { return nil }
                values[name] = right
            default:
                if let number = Int64(token) {
                    stack.append(.number(UInt64(bitPattern: number) & mask))
                } else {
                    stack.append(.name(String(token)))
                }
            }
        }
        return value(stack.last)
    }

    private static func frameSize(_ frame: BreakpadSymbols.WindowsFrame, _ innerParameters: UInt64) -> UInt64 {
        frame.locals &+ frame.savedRegisters &+ innerParameters
    }

    private static func run(
        _ program: String, _ frame: BreakpadSymbols.WindowsFrame, _ registers: Registers,
        _ memory: any ProcessMemory, innerParameters: UInt64
    ) -> Registers? {
        var values: [String: UInt64] = [
            ".cbParams": frame.parameters, ".cbCalleeParams": innerParameters, ".cbSavedRegs": frame.savedRegisters,
            ".cbLocals": frame.locals, "$esp": registers.sp,
        ]
        for (number, name) in registers.arch.registerNames.enumerated() {
            if let value = registers[number] { values["$" + name] = value }
        }
        let start =
            program.contains("@")
            ? (registers.fp ?? 0) &+ 4 : registers.sp &+ frameSize(frame, innerParameters)
        values[".raSearch"] = start
        values[".raSearchStart"] = start
        values["$eip"] = nil
        let before = values["$esp"]
        _ = evaluate(program.split(separator: " " as Character), &values, memory, .x86)
        guard let back = values["$eip"], let sp = values["$esp"], sp != before else { return nil }
        var caller = Registers(.x86)
        caller.pc = back
        caller.sp = sp
        for (name, number) in [("$ebp", 5), ("$ebx", 3), ("$esi", 6), ("$edi", 7)] { caller[number] = values[name] }
        return caller
    }

    private static func plain(
        _ frame: BreakpadSymbols.WindowsFrame, _ registers: Registers, _ memory: any ProcessMemory,
        innerParameters: UInt64
    ) -> Registers? {
        let address = registers.sp &+ frameSize(frame, innerParameters)
        guard let back = memory.load(address, size: 4) else { return nil }
        var caller = registers
        caller.pc = back
        caller.sp = address &+ 4
        if frame.allocatesBase {
            guard
                let base = memory.load(
                    registers.sp &+ innerParameters &+ frame.savedRegisters &- 8, size: 4)
            else { return nil }
            caller.fp = base
        }
        return caller
    }
}
