/// The crash reason of a minidump: exception code to names, by platform.
struct MinidumpReason {
    var signal: String?
    var exception: String?
    var address: UInt64?
    var access: String?

    private static let windows: [UInt32: String] = [
        0x8000_0001: "EXCEPTION_GUARD_PAGE", 0x8000_0002: "EXCEPTION_DATATYPE_MISALIGNMENT",
        0x8000_0003: "EXCEPTION_BREAKPOINT", 0x8000_0004: "EXCEPTION_SINGLE_STEP",
        0xc000_0005: "EXCEPTION_ACCESS_VIOLATION", 0xc000_0006: "EXCEPTION_IN_PAGE_ERROR",
        0xc000_0008: "EXCEPTION_INVALID_HANDLE", 0xc000_000d: "STATUS_INVALID_PARAMETER",
        0xc000_0017: "STATUS_NO_MEMORY", 0xc000_001d: "EXCEPTION_ILLEGAL_INSTRUCTION",
        0xc000_0025: "EXCEPTION_NONCONTINUABLE_EXCEPTION", 0xc000_0026: "EXCEPTION_INVALID_DISPOSITION",
        0xc000_008c: "EXCEPTION_BOUNDS_EXCEEDED", 0xc000_008d: "EXCEPTION_FLT_DENORMAL_OPERAND",
        0xc000_008e: "EXCEPTION_FLT_DIVIDE_BY_ZERO", 0xc000_008f: "EXCEPTION_FLT_INEXACT_RESULT",
        0xc000_0090: "EXCEPTION_FLT_INVALID_OPERATION", 0xc000_0091: "EXCEPTION_FLT_OVERFLOW",
        0xc000_0092: "EXCEPTION_FLT_STACK_CHECK", 0xc000_0093: "EXCEPTION_FLT_UNDERFLOW",
        0xc000_0094: "EXCEPTION_INT_DIVIDE_BY_ZERO", 0xc000_0095: "EXCEPTION_INT_OVERFLOW",
        0xc000_0096: "EXCEPTION_PRIV_INSTRUCTION", 0xc000_00fd: "EXCEPTION_STACK_OVERFLOW",
        0xc000_0194: "EXCEPTION_POSSIBLE_DEADLOCK", 0xc000_0374: "STATUS_HEAP_CORRUPTION",
        0xc000_0409: "STATUS_STACK_BUFFER_OVERRUN", 0xc000_0417: "STATUS_INVALID_CRUNTIME_PARAMETER",
        0xc000_0420: "STATUS_ASSERTION_FAILURE", 0xe06d_7363: "Unhandled C++ Exception",
        0xe043_4352: "CLR exception", 0x0eed_fade: "Delphi exception", 0x0517_a7ed: "Simulated Exception",
    ]

    private static let mac: [UInt32: String] = [
        1: "EXC_BAD_ACCESS", 2: "EXC_BAD_INSTRUCTION", 3: "EXC_ARITHMETIC", 4: "EXC_EMULATION", 5: "EXC_SOFTWARE",
        6: "EXC_BREAKPOINT", 7: "EXC_SYSCALL", 8: "EXC_MACH_SYSCALL", 9: "EXC_RPC_ALERT", 10: "EXC_CRASH",
        11: "EXC_RESOURCE", 12: "EXC_GUARD", 0x4350_7378: "SIMULATED",
    ]

    private static let machAccess: [UInt32: String] = [
        1: "KERN_INVALID_ADDRESS", 2: "KERN_PROTECTION_FAILURE", 8: "KERN_NO_ACCESS", 9: "KERN_MEMORY_FAILURE",
        10: "KERN_MEMORY_ERROR", 50: "KERN_CODESIGN_ERROR", 0xd: "EXC_I386_GPFLT",
    ]

    init(_ exception: MinidumpFile.Exception, platform: MinidumpSystem.Platform, is64: Bool) {
        address = exception.address
        switch platform {
        case .linux, .android, .other:
            takeSignal(exception)
        case .macos, .ios:
            self.exception = Self.mac[exception.code] ?? Self.unknown(exception.code)
            if exception.code == 1, let detail = Self.machAccess[exception.flags] {
                self.exception = "EXC_BAD_ACCESS / " + detail
            }
        case .windows:
            takeWindows(exception)
        }
        if !is64 { address = address.map { $0 & 0xffff_ffff } }
    }

    private mutating func takeSignal(_ exception: MinidumpFile.Exception) {
        guard exception.code < 64 else {
            self.exception = exception.code == .max ? "DUMP_REQUESTED" : Self.unknown(exception.code)
            return
        }
        signal = SignalNames.name(Int(exception.code))
        self.exception =
            exception.flags == 0
            ? nil : SignalNames.code(Int(Int32(bitPattern: exception.flags)), of: Int(exception.code))
    }

    private mutating func takeWindows(_ exception: MinidumpFile.Exception) {
        let name = Self.windows[exception.code] ?? Self.unknown(exception.code)
        self.exception = name
        guard exception.code == 0xc000_0005 || exception.code == 0xc000_0006, exception.parameters.count >= 2 else {
            return
        }
        address = exception.parameters[1]
        switch exception.parameters[0] {
        case 0: access = "read"
        case 1: access = "write"
        case 8: access = "execute"
        default: return
        }
        self.exception = name + (access == "execute" ? "_EXEC" : access == "write" ? "_WRITE" : "_READ")
    }

    private static func unknown(_ code: UInt32) -> String { "0x" + String(code, radix: 16) }
}
