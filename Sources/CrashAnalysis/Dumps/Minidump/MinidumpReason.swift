/// The crash reason of a minidump: the exception code as names, by platform.
struct MinidumpReason {
    var signal: String?
    var exception: String?
    var address: UInt64?
    var access: String?
    /// True when nothing crashed: the program requested the dump.
    var isRequest = false

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
        0xe043_4352: "CLR exception", 0x0eed_fade: "Delphi exception", simulated: "Simulated Exception",
        0x0cca_11ed: "Triggered Exception", 0x4000: "Unreal assertion", 0x8000: "Unreal GPU crash",
        0xc000: "Unreal out of memory",
    ]

    /// Returns the name of a Windows exception code, or the code in hexadecimal when it is unknown.
    static func windowsName(_ code: UInt32) -> String { windows[code] ?? "0x" + String(code, radix: 16) }

    /// Crashpad's codes for a dump without a crash, on Windows and on macOS.
    private static let simulated: UInt32 = 0x0517_a7ed
    private static let simulatedMac: UInt32 = 0x4350_7378
    /// Breakpad's and Crashpad's signal for the same on Linux.
    private static let requested = UInt32.max
    private static let fastFail: UInt32 = 0xc000_0409

    /// The arguments of `__fastfail` (`winnt.h`), appended to the name of its code.
    private static let fastFailReasons: [UInt64: String] = [
        0: "LEGACY_GS_VIOLATION", 1: "VTGUARD_CHECK_FAILURE", 2: "STACK_COOKIE_CHECK_FAILURE", 3: "CORRUPT_LIST_ENTRY",
        4: "INCORRECT_STACK", 5: "INVALID_ARG", 6: "GS_COOKIE_INIT", 7: "FATAL_APP_EXIT", 8: "RANGE_CHECK_FAILURE",
        9: "UNSAFE_REGISTRY_ACCESS", 10: "GUARD_ICALL_CHECK_FAILURE", 11: "GUARD_WRITE_CHECK_FAILURE",
        12: "INVALID_FIBER_SWITCH", 13: "INVALID_SET_OF_CONTEXT", 14: "INVALID_REFERENCE_COUNT",
        18: "INVALID_JUMP_BUFFER", 19: "MRDATA_MODIFIED", 20: "CERTIFICATION_FAILURE", 21: "INVALID_EXCEPTION_CHAIN",
        22: "CRYPTO_LIBRARY", 23: "INVALID_CALL_IN_DLL_CALLOUT", 24: "INVALID_IMAGE_BASE",
        25: "DLOAD_PROTECTION_FAILURE", 26: "UNSAFE_EXTENSION_CALL", 27: "DEPRECATED_SERVICE_INVOKED",
        28: "INVALID_BUFFER_ACCESS", 29: "INVALID_BALANCED_TREE", 30: "INVALID_NEXT_THREAD",
        31: "GUARD_ICALL_CHECK_SUPPRESSED", 32: "APCS_DISABLED", 33: "INVALID_IDLE_STATE",
        34: "MRDATA_PROTECTION_FAILURE", 35: "UNEXPECTED_HEAP_EXCEPTION", 36: "INVALID_LOCK_STATE",
        37: "GUARD_JUMPTABLE", 38: "INVALID_LONGJUMP_TARGET", 39: "INVALID_DISPATCH_CONTEXT", 40: "INVALID_THREAD",
        41: "INVALID_SYSCALL_NUMBER", 42: "INVALID_FILE_OPERATION", 43: "LPAC_ACCESS_DENIED", 44: "GUARD_SS_FAILURE",
        45: "LOADER_CONTINUITY_FAILURE", 46: "GUARD_EXPORT_SUPPRESSION_FAILURE", 47: "INVALID_CONTROL_STACK",
        48: "SET_CONTEXT_DENIED", 49: "INVALID_IAT", 50: "HEAP_METADATA_CORRUPTION",
        51: "PAYLOAD_RESTRICTION_VIOLATION",
        52: "LOW_LABEL_ACCESS_DENIED", 53: "ENCLAVE_CALL_FAILURE", 54: "UNHANDLED_LSS_EXCEPTON",
        55: "ADMINLESS_ACCESS_DENIED", 56: "UNEXPECTED_CALL", 57: "CONTROL_INVALID_RETURN_ADDRESS",
        58: "UNEXPECTED_HOST_BEHAVIOR", 59: "FLAGS_CORRUPTION", 60: "VEH_CORRUPTION", 61: "ETW_CORRUPTION",
        62: "RIO_ABORT", 63: "INVALID_PFN",
    ]

    private static let mac: [UInt32: String] = [
        1: "EXC_BAD_ACCESS", 2: "EXC_BAD_INSTRUCTION", 3: "EXC_ARITHMETIC", 4: "EXC_EMULATION", 5: "EXC_SOFTWARE",
        6: "EXC_BREAKPOINT", 7: "EXC_SYSCALL", 8: "EXC_MACH_SYSCALL", 9: "EXC_RPC_ALERT", 10: "EXC_CRASH",
        11: "EXC_RESOURCE", 12: "EXC_GUARD", simulatedMac: "SIMULATED",
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
            isRequest = exception.code == Self.simulatedMac
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
            isRequest = exception.code == Self.requested
            self.exception = isRequest ? "DUMP_REQUESTED" : Self.unknown(exception.code)
            return
        }
        // For a signal that a process sent, the kernel stores the sender's process and user there.
        if !SignalNames.isFault(Int(exception.code), code: Int(Int32(bitPattern: exception.flags))) { address = nil }
        signal = SignalNames.name(Int(exception.code))
        self.exception =
            exception.flags == 0
            ? nil : SignalNames.code(Int(Int32(bitPattern: exception.flags)), of: Int(exception.code))
    }

    private mutating func takeWindows(_ exception: MinidumpFile.Exception) {
        let name = Self.windows[exception.code] ?? Self.unknown(exception.code)
        self.exception = name
        isRequest = exception.code == Self.simulated
        if exception.code == Self.fastFail, let reason = exception.parameters.first {
            self.exception = name + " / FAST_FAIL_" + (Self.fastFailReasons[reason] ?? String(reason))
        }
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
