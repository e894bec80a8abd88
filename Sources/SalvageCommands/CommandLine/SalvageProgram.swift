import ArgumentParser
import CConfinement
import Glibc
import Terminal

/// The command tree.
struct Salvage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage",
        abstract: "Harvest crash dumps and logs of exited game-server sessions, and answer questions about them.",
        discussion: """
            Start here:
              salvage harvest                 collect from all exited sessions, once
              salvage sessions --since 2h     list recent sessions
              salvage crashes top             list the most frequent crashes
              salvage show SESSION            show what happened to one session
              salvage grep PATTERN            search the logs of all sessions

            Exit codes: 0 ok, 1 nothing found, 2 error, 3 partial, 64 usage, 75 try again later, 77 not authorized.
            """,
        version: salvageVersion,
        groupedSubcommands: CommandTable.groups
    )
}

/// The version that `salvage --version` prints and the User-Agent header of requests contains.
public let salvageVersion = "0.1.0"

/// The entry points of the program, called by the executable's `main` in the order in which they are declared here.
public enum SalvageProgram {
    /// Runs the program as the confined child of an ingest, analysis or verification if the arguments say so, and returns
    /// the exit code; nil otherwise. Call it first, on the main thread, before any task exists.
    public static func runChild(_ arguments: [String]) -> Int32? {
        IngestChild.runIfAsked(arguments)
    }

    /// Runs a query on the calling thread and returns the exit code; nil if the arguments name no query or need the whole
    /// command tree.
    ///
    /// Building that tree and starting the concurrency runtime takes longer than a query, so only the command that the
    /// first word names is tried. What it cannot parse, including `--help`, is left to the tree.
    public static func runQuery(_ arguments: [String]) -> Int32? {
        let ordered = GlobalFlagOrder.moveBehindCommand(arguments)
        guard let word = ordered.first, let type = CommandTable.query(named: word) else { return nil }
        let given = Array(ordered.dropFirst())
        let rest = word == "grep" ? GrepQuickArguments.spread(given) : given
        signal(SIGPIPE, SIG_IGN)
        do {
            if word == "grep", let grep = GrepQuickArguments.command(rest) {
                try grep.run()
                return ExitStatus.success.rawValue
            }
            if let mistake = RepeatedFlags.mistake(in: ordered) { throw mistake }
            // `--help` parses as another command, whose usage would lack the program's name; the whole tree has it.
            guard var command = try? type.parseAsRoot(rest), Swift.type(of: command) == type else { return nil }
            try command.run()
            return ExitStatus.success.rawValue
        } catch {
            return end(error, arguments: ordered)
        }
    }

    /// Checks that the machine allows the threads that some commands need, and sets up the signals of a harvest. Returns
    /// the exit code on failure, else nil. Call it on the main thread, before any other thread exists.
    public static func prepare(_ arguments: [String]) -> Int32? {
        do {
            switch GlobalFlagOrder.moveBehindCommand(arguments).first {
            case "harvest", "watch": try ProcessGuard.begin()
            case "ingest", "api", "verify": try ProcessGuard.requireThreads()
            default: break
            }
            return nil
        } catch {
            return report(error, arguments: arguments)
        }
    }

    /// Parses `arguments` (without the program name), runs the command and returns the exit code. Never throws.
    public static func run(_ arguments: [String]) async -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        let ordered = GlobalFlagOrder.moveBehindCommand(arguments)
        // The token must not end up in a core dump of this process or be read by another process of the same user.
        if let word = ordered.first, CommandTable.holdsToken(word) { _ = salvage_deny_core() }
        do {
            if let mistake = Suggestion.unknownCommand(in: ordered, known: CommandTable.names) { throw mistake }
            if let mistake = RepeatedFlags.mistake(in: ordered) { throw mistake }
            var command = try Salvage.parseAsRoot(ordered)
            if var slow = command as? any AsyncParsableCommand {
                try await slow.run()
            } else {
                try command.run()
            }
            return ExitStatus.success.rawValue
        } catch {
            return end(error, arguments: ordered)
        }
    }

    private static func end(_ error: any Error, arguments: [String]) -> Int32 {
        if let ended = error as? EndedWith { return ended.status.rawValue }
        return report(error, arguments: arguments)
    }

    private static func report(_ error: any Error, arguments: [String]) -> Int32 {
        if let failure = FailureReport.failure(for: error) {
            let json = arguments.contains("--json")
            failure.report(json: json, style: Style(choice: .auto, descriptor: STDERR_FILENO))
            return failure.status.rawValue
        }
        let code = Salvage.exitCode(for: error)
        let text = Salvage.fullMessage(for: error)
        if !code.isSuccess, arguments.contains("--json") {
            let message = Salvage.message(for: error)
            Failure("usage", message.isEmpty ? text : message, hint: "salvage COMMAND --help", status: .usage).report(
                json: true, style: Style(choice: .never, descriptor: STDERR_FILENO))
        } else if !text.isEmpty {
            let sink = BufferedOutput(descriptor: code.isSuccess ? STDOUT_FILENO : STDERR_FILENO)
            sink.write(text + "\n")
            sink.flush()
        }
        return code.rawValue
    }
}

/// Allows global flags before the command as well as after it (`salvage --json sessions`).
enum GlobalFlagOrder {
    private static let withValue: Set<String> = ["--store", "--config", "--color"]
    private static let alone: Set<String> = ["--json", "--quiet", "--verbose"]

    static func moveBehindCommand(_ arguments: [String]) -> [String] {
        var moved: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if withValue.contains(first), rest.count > 1 {
                moved += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if alone.contains(first) || withValue.contains(where: { first.hasPrefix($0 + "=") }) {
                moved.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        guard let command = rest.first, !command.hasPrefix("-") else { return arguments }
        return [command] + insertAfterNouns(command, Array(rest.dropFirst()), moved)
    }

    /// `crashes top` and `symbols add` are two words; the flags go after both.
    private static func insertAfterNouns(_ command: String, _ rest: [String], _ moved: [String]) -> [String] {
        guard !moved.isEmpty else { return rest }
        if let nested = CommandTable.nested[command], let first = rest.first, nested.contains(first) {
            return [first] + moved + rest.dropFirst()
        }
        return moved + rest
    }
}
