import Foundation

/// Runs the program in a pseudo terminal, as at a prompt.
struct PseudoTerminal {
    /// Whether the tool that opens the terminal is there.
    static let isAvailable = FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")

    var columns = 80

    /// Opens a terminal of the given size, runs the words in it and copies what they print to standard output.
    private static let script = """
        import fcntl, os, pty, struct, sys, termios
        master, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
        child = os.fork()
        if child == 0:
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            for stream in range(3): os.dup2(terminal, stream)
            os.execv(sys.argv[2], sys.argv[2:])
        os.close(terminal)
        while True:
            try: piece = os.read(master, 65536)
            except OSError: break
            if not piece: break
            os.write(1, piece)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
        """

    /// Runs `salvage` with these arguments and waits for it. Both of its outputs are in `out`.
    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Program.Outcome {
        let words = ["-c", Self.script, "\(columns)", Program.salvage.path] + arguments
        // Python would put a locale with UTF-8 in place of one without.
        let variables = ["TERM": "xterm", "PYTHONCOERCECLOCALE": "0"].merging(environment) { _, new in new }
        let outcome = try Program.Running(
            URL(fileURLWithPath: "/usr/bin/python3"), words, environment: variables
        ).wait()
        return Program.Outcome(
            status: outcome.status, out: outcome.out.replacingOccurrences(of: "\r\n", with: "\n"), err: outcome.err)
    }
}
