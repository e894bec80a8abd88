import CConfinement
import Glibc
import Harvest
import Store
import Terminal

/// What help and the manual say about the program as a whole.
enum ProgramText {
    static let abstract =
        "Harvest crash dumps and logs of exited game-server sessions, and answer questions about them."
    static let discussion = """
        Start here:
          salvage harvest                 collect from all exited sessions, once
          salvage sessions --since 2h     list recent sessions
          salvage crashes top             list the most frequent crashes
          salvage show SESSION            show what happened to one session
          salvage grep PATTERN            search the logs of all sessions

        Times, as in --since: 02:45, 'yesterday 22:00', 'monday 08:00', 'last week', '2026-11-29 02:45', \
        2026-11-29T02:45Z, 2h, 7d. They are local unless they name a zone; --utc reads and shows UTC.

        Exit codes: 0 ok, 1 nothing found, 2 error, 3 partial, 64 usage, 75 try again later, 77 not authorized.
        """
}

/// The entry points of the program, called by the executable's `main` in the order in which they are declared here.
public enum SalvageProgram {
    /// Runs the program as the confined child of an ingest, analysis or verification if the arguments say so, and returns
    /// the exit code; nil otherwise. Call it first, on the main thread, before any task exists.
    public static func runChild(_ arguments: [String]) -> Int32? {
        IngestChild.runIfAsked(arguments)
    }

    /// Runs a command that does not wait for the network on the calling thread and returns the exit code; nil if the
    /// arguments call another one.
    ///
    /// Starting the concurrency runtime takes longer than a query.
    public static func runQuery(_ arguments: [String]) -> Int32? {
        let ordered = GlobalFlagOrder.moveBehindCommand(arguments)
        signal(SIGPIPE, SIG_IGN)
        do {
            if try printDocumentation(ordered) { return ExitStatus.success.rawValue }
            guard let (entry, rest) = CommandTable.find(ordered) else {
                throw Suggestion.unknownCommand(in: ordered, known: CommandTable.names)
            }
            switch entry {
            case .query(let type): try run(type, Array(rest))
            case .network: return nil
            case .group(let noun): try run(noun, Array(rest))
            }
            Pager.finish()
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
            case "harvest": try ProcessGuard.begin { ProcessEnding.end($0, isDaemon: false) }
            case "watch", "serve": try ProcessGuard.begin { ProcessEnding.end($0, isDaemon: true) }
            case "api", "symbols": try ProcessGuard.requireThreads()
            default: break
            }
            return nil
        } catch {
            return report(error, arguments: arguments)
        }
    }

    /// Runs a command that waits for the network and returns the exit code. Never throws.
    /// - Parameter arguments: the words after the program's name.
    public static func run(_ arguments: [String]) async -> Int32 {
        let ordered = GlobalFlagOrder.moveBehindCommand(arguments)
        // The token must not end up in a core dump of this process or be read by another process of the same user.
        _ = salvage_deny_core()
        do {
            guard let (entry, rest) = CommandTable.find(ordered), case .network(let type) = entry else {
                throw Suggestion.unknownCommand(in: ordered, known: CommandTable.names)
            }
            try await run(type, Array(rest))
            return ExitStatus.success.rawValue
        } catch {
            return end(error, arguments: ordered)
        }
    }

    /// Reads the words after a command's name and runs it, or prints its help.
    private static func run<Definition: Command>(_ type: Definition.Type, _ words: [String]) throws {
        guard let command = try type.read(words) else { return print(HelpText.text(CommandPage(definition: type))) }
        try command.run()
    }

    private static func run<Definition: AsyncCommand>(_ type: Definition.Type, _ words: [String]) async throws {
        guard let command = try type.read(words) else { return print(HelpText.text(CommandPage(definition: type))) }
        try await command.run()
    }

    /// Runs the command that a word stands for on its own.
    private static func run(_ noun: CommandNoun, _ words: [String]) throws {
        if let word = words.first, !word.hasPrefix("-") || noun.standard == nil && word != "--help" && word != "-h" {
            throw Suggestion.unknownCommand(in: words, known: noun.commands.map(\.word), after: noun.word)
        }
        guard !words.contains("--help"), !words.contains("-h"), case .query(let type)? = noun.standard else {
            return print(HelpText.text(noun))
        }
        try run(type, words)
    }

    /// Prints the help or the version that the words request. Returns false if they request neither.
    private static func printDocumentation(_ words: [String]) throws -> Bool {
        switch words.first {
        case nil, "--help", "-h":
            print(HelpText.program())
        case "--version":
            print(salvageVersion + "\n")
        case "help":
            let topic = Array(words.dropFirst().filter { !$0.hasPrefix("-") })
            guard !topic.isEmpty else {
                print(HelpText.program())
                return true
            }
            guard let (entry, _) = CommandTable.find(topic) else {
                throw Suggestion.unknownCommand(in: topic, known: CommandTable.names)
            }
            if let noun = entry.noun {
                print(HelpText.text(noun))
            } else if let page = entry.page {
                print(HelpText.text(page))
            }
        case let word? where word.hasPrefix("-"):
            throw Failure.usage("unknown option '\(word)'", hint: "'salvage --help' lists the commands")
        default:
            return false
        }
        return true
    }

    private static func print(_ text: String) {
        let sink = BufferedOutput(descriptor: STDOUT_FILENO)
        sink.write(text)
        sink.flush()
    }

    private static func end(_ error: any Error, arguments: [String]) -> Int32 {
        // The user leaves the pager before an error is reported, which stays on the screen.
        Pager.finish()
        if let ended = error as? EndedWith { return ended.status.rawValue }
        return report(error, arguments: arguments)
    }

    private static func report(_ error: any Error, arguments: [String]) -> Int32 {
        let failure = FailureReport.failure(for: error)
        failure.report(
            json: arguments.contains("--json"), style: Style(choice: .auto, descriptor: STDERR_FILENO))
        return failure.status.rawValue
    }
}

/// Allows global flags before the command as well as after it (`salvage --json sessions`).
enum GlobalFlagOrder {
    private static let withValue: Set<String> = ["--store", "--config", "--color", "--columns"]
    private static let alone: Set<String> = ["--json", "--quiet", "--verbose", "--utc", "--no-pager"]

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
        guard let first = rest.first, !moved.isEmpty, let noun = CommandTable.entry(command)?.noun,
            noun.commands.contains(where: { $0.word == first })
        else { return moved + rest }
        return [first] + moved + rest.dropFirst()
    }
}
