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

    /// SIGSEGV for 11; "signal 40" for one without a name.
    static func name(_ number: Int) -> String { names[number] ?? "signal \(number)" }

    /// The number of a name such as "SIGSEGV"; nil for an unknown one.
    static func number(_ name: String) -> Int? { names.first { $0.value == name }?.key }

    /// SEGV_MAPERR for (11, 1); the senders that any signal can have (SI_USER, SI_TKILL …); nil when unnamed.
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

    /// True for the signals whose siginfo carries a faulting address when the kernel raised them.
    static func hasAddress(_ signal: Int, code: Int) -> Bool {
        code > 0 && code != 0x80 && [4, 5, 7, 8, 11].contains(signal)
    }
}
