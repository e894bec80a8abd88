import Model

/// The processors whose register contexts are read, named as rust-minidump names them.
enum Architecture: String, Sendable {
    case x86
    case amd64
    case arm
    case arm64

    var is64: Bool { self == .amd64 || self == .arm64 }
    var wordSize: UInt64 { is64 ? 8 : 4 }

    /// DWARF number of the program counter; below, those of other registers that unwinding uses.
    var pcRegister: Int {
        switch self {
        case .x86: 8
        case .amd64: 16
        case .arm: 15
        case .arm64: 32
        }
    }
    var spRegister: Int {
        switch self {
        case .x86: 4
        case .amd64: 7
        case .arm: 13
        case .arm64: 31
        }
    }
    var fpRegister: Int {
        switch self {
        case .x86: 5
        case .amd64: 6
        case .arm: 11
        case .arm64: 29
        }
    }
    var linkRegister: Int? {
        switch self {
        case .arm: 14
        case .arm64: 30
        default: nil
        }
    }

    /// DWARF numbers of the registers that a callee preserves.
    var calleeSaved: [Int] {
        switch self {
        case .x86: [3, 5, 6, 7]
        case .amd64: [3, 6, 12, 13, 14, 15]
        case .arm: [4, 5, 6, 7, 8, 9, 10, 11]
        case .arm64: Array(19...29)
        }
    }

    /// Register names, by DWARF number.
    var registerNames: [String] {
        switch self {
        case .x86: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"]
        case .amd64:
            [
                "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                "r15", "rip",
            ]
        case .arm: (0...10).map { "r\($0)" } + ["fp", "ip", "sp", "lr", "pc"]
        case .arm64: (0...28).map { "x\($0)" } + ["fp", "lr", "sp", "pc"]
        }
    }
}

/// Integer registers by DWARF number; each may be unknown.
struct Registers: Sendable, Equatable {
    let arch: Architecture
    private var values = [UInt64](repeating: 0, count: 33)
    private var known: UInt64 = 0

    init(_ arch: Architecture) { self.arch = arch }

    subscript(number: Int) -> UInt64? {
        get { number >= 0 && number < 33 && known & (1 << UInt64(number)) != 0 ? values[number] : nil }
        set {
            guard number >= 0, number < 33 else { return }
            if let newValue {
                values[number] = arch.is64 ? newValue : newValue & 0xffff_ffff
                known |= 1 << UInt64(number)
            } else {
                known &= ~(1 << UInt64(number))
            }
        }
    }

    var pc: UInt64 {
        get { self[arch.pcRegister] ?? 0 }
        set { self[arch.pcRegister] = newValue }
    }
    var sp: UInt64 {
        get { self[arch.spRegister] ?? 0 }
        set { self[arch.spRegister] = newValue }
    }
    var fp: UInt64? {
        get { self[arch.fpRegister] }
        set { self[arch.fpRegister] = newValue }
    }

    /// The known registers by name, for records.
    var named: [String: Address] {
        var result: [String: Address] = [:]
        for (number, name) in arch.registerNames.enumerated() {
            if let value = self[number] { result[name] = Address(value) }
        }
        return result
    }
}

/// The parts of a process's memory that a dump holds.
protocol ProcessMemory: AnyObject {
    /// Returns at most `count` bytes at `address`; fewer, or none, where the dump has no more.
    func bytes(at address: UInt64, count: Int) -> [UInt8]
    /// Returns a little-endian word of `size` bytes, 1 to 8; nil when the dump lacks any of them.
    func load(_ address: UInt64, size: Int) -> UInt64?
}

extension ProcessMemory {
    func load(_ address: UInt64, size: Int) -> UInt64? {
        let raw = bytes(at: address, count: size)
        guard raw.count == size, size <= 8 else { return nil }
        var value: UInt64 = 0
        for (at, byte) in raw.enumerated() { value |= UInt64(byte) << UInt64(at * 8) }
        return value
    }
}
