/// The numbering of signals: it differs between systems, and on Linux between processors.
enum SignalNumbering {
    case linux
    case mips
    case bsd
    /// Only the numbers that are the same on every system.
    case common

    private static let same = [
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGEMT", "SIGFPE", "SIGKILL", "SIGBUS",
        "SIGSEGV",
        "SIGSYS", "SIGPIPE", "SIGALRM", "SIGTERM",
    ]
    private static let bsdRest = [
        "SIGURG", "SIGSTOP", "SIGTSTP", "SIGCONT", "SIGCHLD", "SIGTTIN", "SIGTTOU", "SIGIO", "SIGXCPU", "SIGXFSZ",
        "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGINFO", "SIGUSR1", "SIGUSR2",
    ]
    private static let mipsRest = [
        "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGPWR", "SIGWINCH", "SIGURG", "SIGIO", "SIGSTOP", "SIGTSTP", "SIGCONT",
        "SIGTTIN", "SIGTTOU", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGXFSZ",
    ]
    /// The numbers on which Linux on most processors agrees with all other systems.
    private static let everywhere: Set = [1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 14, 15]

    init(system: CoreSystem?, machine: UInt16) {
        switch system {
        case .linux:
            // SPARC, PA-RISC and Alpha use their own numbers.
            self = machine == ELFHeader.mips ? .mips : [2, 18, 43, 15, 0x9026].contains(machine) ? .common : .linux
        case .freebsd, .netbsd, .openbsd: self = .bsd
        case nil: self = .common
        }
    }

    /// Returns the name of a signal number; nil when it is unknown.
    func name(_ number: Int) -> String? {
        switch self {
        case .linux: return SignalNames.known(number)
        case .common: return Self.everywhere.contains(number) ? SignalNames.known(number) : nil
        case .bsd, .mips:
            let all = Self.same + (self == .bsd ? Self.bsdRest : Self.mipsRest)
            return all.indices.contains(number &- 1) ? all[number - 1] : nil
        }
    }
}

/// Names of Linux signals and their codes (signal(7), sigaction(2)).
enum SignalNames {
    private static let names: [Int: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
        9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
        16: "SIGSTKFLT", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU",
        23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ", 26: "SIGVTALRM", 27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO",
        30: "SIGPWR", 31: "SIGSYS",
    ]

    private static let codes: [Int: [Int: String]] = [
        4: [
            1: "ILL_ILLOPC", 2: "ILL_ILLOPN", 3: "ILL_ILLADR", 4: "ILL_ILLTRP", 5: "ILL_PRVOPC", 6: "ILL_PRVREG",
            7: "ILL_COPROC", 8: "ILL_BADSTK",
        ],
        5: [1: "TRAP_BRKPT", 2: "TRAP_TRACE", 3: "TRAP_BRANCH", 4: "TRAP_HWBKPT"],
        7: [1: "BUS_ADRALN", 2: "BUS_ADRERR", 3: "BUS_OBJERR", 4: "BUS_MCEERR_AR", 5: "BUS_MCEERR_AO"],
        8: [
            1: "FPE_INTDIV", 2: "FPE_INTOVF", 3: "FPE_FLTDIV", 4: "FPE_FLTOVF", 5: "FPE_FLTUND", 6: "FPE_FLTRES",
            7: "FPE_FLTINV", 8: "FPE_FLTSUB",
        ],
        11: [
            1: "SEGV_MAPERR", 2: "SEGV_ACCERR", 3: "SEGV_BNDERR", 4: "SEGV_PKUERR", 8: "SEGV_MTEAERR",
            9: "SEGV_MTESERR",
        ],
        31: [1: "SYS_SECCOMP", 2: "SYS_USER_DISPATCH"],
    ]

    /// Returns the name, such as "SIGSEGV" for 11, or "signal 40" for a number without one.
    static func name(_ number: Int) -> String { names[number] ?? "signal \(number)" }

    /// Returns the name, such as "SIGSEGV" for 11; nil for a number without one.
    static func known(_ number: Int) -> String? { names[number] }

    /// The signals whose default action writes a core.
    static let fatal: Set = [
        "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGEMT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGXCPU", "SIGXFSZ",
        "SIGSYS",
    ]

    /// Returns the number of a name such as "SIGSEGV"; nil for an unknown name.
    static func number(_ name: String) -> Int? { names.first { $0.value == name }?.key }

    /// Returns the name of a code, such as SEGV_MAPERR for code 1 of signal 11, or of a sender that any signal can have
    /// (SI_USER, SI_TKILL …); nil when it has none.
    static func code(_ code: Int, of signal: Int) -> String? {
        switch code {
        case 0: "SI_USER"
        case 0x80: "SI_KERNEL"
        case -1: "SI_QUEUE"
        case -2: "SI_TIMER"
        case -6: "SI_TKILL"
        default: codes[signal]?[code]
        }
    }

    /// False for a signal that a process sent: its siginfo holds the sender in place of a fault's address. Dump writers
    /// that do not know the code write 0.
    static func isFault(_ signal: Int, code: Int) -> Bool {
        code >= 0 && [4, 5, 7, 8, 11].contains(signal)
    }

    /// True for the signals whose siginfo carries a faulting address when the kernel raised them.
    static func hasAddress(_ signal: Int, code: Int) -> Bool {
        code > 0 && code != 0x80 && [4, 5, 7, 8, 11].contains(signal)
    }
}
