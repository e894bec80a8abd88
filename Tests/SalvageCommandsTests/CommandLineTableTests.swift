import Foundation
import Testing

@testable import SalvageCommands

/// The tables of flags and what is generated from them.
@Suite struct CommandLineTableTests {
    private static var pages: [CommandPage] { CommandTable.all.compactMap(\.page) }

    /// A command with one flag of each kind.
    private struct Sample: Command {
        static var name: String { "sample" }
        static var abstract: String { "A sample." }
        static var arguments: [CommandArgument<Self>] {
            [.one("first", "First.") { $0.words.append($1) }, .list("rest", "Rest.") { $0.words.append($1) }]
        }
        static var flags: [CommandFlag<Self>] {
            [
                .toggle("ignore-case", "i", "I.") { $0.said.append("i") },
                .toggle(nil, "q", "Q.") { $0.said.append("q") },
                .text("since", value: "time", "Since.") { $0.said.append("since=" + $1) },
                .texts("regexp", "e", value: "pattern", "E.", acceptsDash: true) { $0.said.append("e=" + $1) },
                .number("max-count", "m", value: "n", "M.", occurrence: .lastWins) { $0.said.append("m=\($1)") },
                .text("restart", value: "bool", "R.", bareValue: "true") { $0.said.append("r=" + $1) },
            ]
        }

        var words: [String] = []
        var said: [String] = []
        var options = GlobalOptions()

        func run() {}
    }

    @Test(
        arguments: [
            (["a"], [], ["a"]), (["a", "-i"], ["i"], ["a"]), (["-iqm2", "a"], ["i", "q", "m=2"], ["a"]),
            (["-iqm", "2", "a"], ["i", "q", "m=2"], ["a"]), (["-m2", "-m", "3", "a"], ["m=2", "m=3"], ["a"]),
            (["-e", "-x", "a"], ["e=-x"], ["a"]), (["-e-x", "a"], ["e=-x"], ["a"]), (["-e=x", "a"], ["e==x"], ["a"]),
            (["--regexp", "--", "a"], ["e=--"], ["a"]), (["--regexp=z=1", "a"], ["e=z=1"], ["a"]),
            (["-e", "--help", "a"], ["e=--help"], ["a"]), (["--since=", "a"], ["since="], ["a"]),
            (["--since", "-", "-"], ["since=-"], ["-"]), (["--", "-i", "--help"], [], ["-i", "--help"]),
            (["--restart", "a"], ["r=true"], ["a"]), (["--restart=false", "a"], ["r=false"], ["a"]),
            (["a", "b", "-i", "c"], ["i"], ["a", "b", "c"]), ([""], [], [""]),
        ] as [([String], [String], [String])])
    func wordsBecomeFlagsAndArguments(_ words: [String], _ said: [String], _ arguments: [String]) throws {
        let sample = try #require(try Sample.read(words))
        #expect(sample.said == said && sample.words == arguments)
    }

    @Test(
        arguments: [
            (["--sinec", "2h", "a"], "unknown option '--sinec'", "--since"), (["-Z", "a"], "unknown option '-Z'", nil),
            (["-iZ", "a"], "unknown option '-Z' in '-iZ'", nil), (["a", "--since"], "missing value for --since", nil),
            (["a", "--since", "--json"], "missing value for --since", "--since=--json"), ([], "missing argument", nil),
            (["a", "-m", "x"], "invalid value 'x' for -m", nil),
            (["a", "--max-count=1.5"], "'1.5' for --max-count", nil),
            (["a", "--since=1", "--since", "2"], "--since is given twice", nil),
            (["a", "--json=1"], "takes no value", nil),
            (["a", "--color", "sometimes"], "'sometimes' for --color", "never"),
        ] as [([String], String, String?)])
    func mistakesAreNamed(_ words: [String], _ message: String, _ hint: String?) {
        let failure = #expect(throws: Failure.self) { try Sample.read(words) }
        #expect(failure?.status == .usage && failure?.message.contains(message) == true, "\(failure?.message ?? "")")
        if let hint { #expect(failure?.hint?.contains(hint) == true, "\(failure?.hint ?? "")") }
    }

    @Test func noSpellingHasTwoMeanings() {
        #expect(Self.pages.count > 35)
        for page in Self.pages {
            let spellings = page.flags.flatMap(\.spellings)
            #expect(Set(spellings).count == spellings.count, "\(page.name): \(spellings)")
            #expect(!spellings.contains("-h") && !spellings.contains("--help"), "\(page.name)")
            #expect(page.flags.allSatisfy { $0.help.hasSuffix(".") || $0.help.hasSuffix(")") }, "\(page.name)")
            // Only the last argument may take all words that follow, and what may be left out follows what may not.
            #expect(page.arguments.dropLast().allSatisfy { !$0.takesRest }, "\(page.name)")
            #expect(
                zip(page.arguments, page.arguments.dropFirst()).allSatisfy { $0.isRequired || !$1.isRequired },
                "\(page.name)")
        }
        let names = CommandTable.all.map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test func helpAndTheManualListEveryFlag() {
        let manual = ManualPage.text()
        for page in Self.pages {
            let help = HelpText.text(page)
            for flag in page.flags {
                #expect(help.contains("  \(HelpText.label(flag))"), "\(page.name) \(flag.spelling)")
                #expect(manual.contains("\\fB" + flag.spelling.replacingOccurrences(of: "-", with: "\\-") + "\\fR"))
            }
            // Usage lines and examples stay whole, so that they can be pasted.
            let wrapped = help.split(separator: "\n").filter { !$0.hasPrefix("  salvage ") && !$0.contains("USAGE") }
            #expect(wrapped.allSatisfy { $0.count <= 80 }, "\(help)")
        }
    }

    @Test func anEarlierNameOfACommandCallsItAndIsNotListed() throws {
        let (entry, rest) = try #require(CommandTable.find(["resign", "--dry-run"]))
        #expect(entry.name == "signatures refresh" && rest == ["--dry-run"])
        for text in [HelpText.program(), ManualPage.text(), CompletionScript.text(.bash), CompletionScript.text(.fish)]
        {
            #expect(text.contains("refresh") || text == HelpText.program())
            #expect(!text.contains("resign"))
        }
    }

    @Test func bashCompletesCommandsFlagsAndValues() throws {
        let script = FileManager.default.temporaryDirectory.appendingPathComponent("salvage-\(UUID().uuidString).bash")
        try CompletionScript.text(.bash).write(to: script, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: script) }
        for (words, expected) in [
            (["salvage", "gre"], "grep"), (["salvage", "crashes", "di"], "diff"),
            (["salvage", "grep", "--inv"], "--invert-match"),
            (["salvage", "crashes", "top", "--sig"], "--signature"),
            (["salvage", "sessions", "--state", "har"], "harvested"),
            (["salvage", "completions", "z"], "zsh"),
        ] {
            let list = words.map { "'\($0)'" }.joined(separator: " ")
            let text = try bash(
                ". '\(script.path)'; COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1); _salvage; echo ${COMPREPLY[@]}"
            )
            #expect(text == expected + "\n", "\(words)")
        }
    }

    private func bash(_ line: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", line]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
