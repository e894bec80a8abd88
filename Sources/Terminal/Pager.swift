import Glibc
import Synchronization

/// A pager between the program and the terminal: it takes the place of standard output, and of standard error if that is
/// the same terminal.
///
/// ``start()`` before the first output, ``finish()`` before the program ends or reports its last error. Call both on the main
/// thread. Descriptors of the pager close on exec, so that its input ends although another child still runs.
public enum Pager {
    private struct Running {
        let process: pid_t
        /// Copies of the streams that the pager replaced.
        let output: Int32
        let error: Int32?
    }

    private static let running = Mutex<Running?>(nil)

    /// Starts the pager that the environment names, if standard output is a terminal. Without one, or if it cannot be
    /// started, output goes to the terminal as before.
    public static func start() {
        guard StandardStream.outputIsTerminal, let command = PagerCommand({ Environment.value($0) }) else { return }
        running.withLock { running in
            guard running == nil else { return }
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { return }
            defer { for end in ends { close(end) } }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            guard let process = spawn(command, input: ends[0]) else { return }
            let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
            let error = StandardStream.errorIsTerminal ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : nil
            dup2(ends[1], STDOUT_FILENO)
            if error != nil { dup2(ends[1], STDERR_FILENO) }
            // The interrupt key is the pager's.
            signal(SIGINT, SIG_IGN)
            signal(SIGQUIT, SIG_IGN)
            running = Running(process: process, output: output, error: error)
        }
    }

    /// Ends the output and waits until the user has left the pager. Standard output and standard error are the terminal
    /// again. Does nothing without a pager.
    public static func finish() {
        running.withLock { state in
            guard let running = state else { return }
            state = nil
            // The pager sees the end of its input once no descriptor is left.
            dup2(running.output, STDOUT_FILENO)
            close(running.output)
            if let error = running.error {
                dup2(error, STDERR_FILENO)
                close(error)
            }
            var status: Int32 = 0
            while waitpid(running.process, &status, 0) < 0, errno == EINTR {}
            signal(SIGINT, SIG_DFL)
            signal(SIGQUIT, SIG_DFL)
        }
    }

    /// Runs the pager with `input` as its standard input; nil if it cannot be started.
    private static func spawn(_ command: PagerCommand, input: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Ignored signals stay ignored in a new program, and the pager must end when its terminal is closed.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGPIPE, SIGINT, SIGQUIT] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var environment = Environment.all
        if environment["LESS"] == nil { environment["LESS"] = "FRX" }
        if environment["LV"] == nil { environment["LV"] = "-c" }
        // The API's token is nobody else's.
        environment["GAMEYE_API_TOKEN"] = nil
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        var arguments = command.words.map { strdup($0) } + [nil]
        defer { for text in variables + arguments { free(text) } }
        var process: pid_t = 0
        let name = command.words.first ?? ""
        return posix_spawnp(&process, name, &actions, &attributes, &arguments, &variables) == 0 ? process : nil
    }
}
