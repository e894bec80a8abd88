import Foundation
import Printers
import Testing

@testable import LogSearch

private let ripgrep: String? = ["/usr/bin/rg", "/usr/local/bin/rg"].first { access($0, X_OK) == 0 }

/// Every flag gives the same output as ripgrep on the same files.
@Suite(.enabled(if: ripgrep != nil, "ripgrep is not installed"))
struct RipgrepEqualityTests {
    /// Files whose names ripgrep prints as we print session and path.
    static let files: [(name: String, content: [UInt8])] = {
        var dice = Dice(seed: 7)
        var log: [UInt8] = []
        let words = [
            "error", "Error", "warning", "player", "über", "straße", "tick", "Kick", "ſtop", "a", "foo", "barfoo",
        ]
        for line in 0..<400 {
            var text = "[2025.11.20-21.16.\(10 + line % 50):\(100 + line)]"
            for _ in 0..<dice.below(8) {
                text += " " + dice.pick(words) + (dice.chance(30) ? "=\(dice.below(1000))" : "")
            }
            if dice.chance(5) { text = "" }
            if dice.chance(5) { text = "    at Foo.Bar()\t(\(line))" }
            log += Array(text.utf8)
            if dice.chance(3) { log += [0x20, 0xFF, 0xC3, 0x28] }
            log += dice.chance(10) ? Array("\r\n".utf8) : [0x0A]
        }
        let open = Array("first foo\nlast line has no feed foo".utf8)
        let long = Array("foo ".utf8) + [UInt8](repeating: 0x78, count: 5000) + Array(" foo\nshort\n".utf8)
        let nul = Array("foo\nab\u{0}cd foo\nfoo end\n".utf8)
        return [
            ("a.log", log), ("b/open.log", open), ("c.long", long), ("d.bin", nul), ("empty", []),
            ("f.feeds", [0x0A, 0x0A]),
            ("g.crlf", Array("foo\r\nbar\r\nfoo bar\r\n".utf8)),
        ]
    }()

    static let folder: URL = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "salvage-rg-\(getpid())")
        for file in files {
            let url = folder.appending(path: "S:" + file.name)
            try? FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try? Data(file.content).write(to: url)
        }
        return folder
    }()

    /// Where ripgrep 13 has faults of its own: `-w` beside bytes that are not UTF-8, empty matches printed or counted
    /// within a character or at an open end, and binary files whose context holds the NUL are dropped silently.
    /// With `--crlf` we differ on purpose in one thing: a class may match the carriage return that ends a line.
    static func isFault(_ flags: [String], _ pattern: String) -> Bool {
        if flags.contains("--crlf") { return [".", "[^\\w]", "\\W\\W"].contains(pattern) }
        if flags.contains("-w") { return [".", "[^\\w]", "\\W\\W", "\\S+"].contains(pattern) }
        return (flags.contains("-o") || flags.contains("--count-matches")) && ["", "$", "^"].contains(pattern)
    }

    static func rg(_ arguments: [String], _ files: [(name: String, content: [UInt8])] = files) throws -> (
        text: [UInt8], code: Int32
    ) {
        let process = Process()
        process.executableURL = URL(filePath: ripgrep ?? "/usr/bin/rg")
        process.arguments =
            ["--no-config", "-j1", "--with-filename", "--no-heading", "-n", "--color=never"] + arguments
            + files.map { "S:" + $0.name }
        process.currentDirectoryURL = folder
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (Array(data), process.terminationStatus)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var arguments: [String]
        var pattern: @Sendable (inout PatternOptions) -> Void = { _ in }
        var options: @Sendable (inout TestOptions) -> Void = { _ in }
        var testDescription: String { arguments.joined(separator: " ") }
    }

    static let flagSets: [Case] = [
        Case(arguments: []),
        Case(arguments: ["-i"], pattern: { $0.ignoreCase = true }),
        Case(arguments: ["-S"], pattern: { $0.smartCase = true }),
        Case(arguments: ["-w"], pattern: { $0.word = true }),
        Case(arguments: ["-x"], pattern: { $0.line = true }),
        Case(arguments: ["-v"], options: { $0.invert = true }),
        Case(arguments: ["-c"], options: { $0.mode = .count }),
        Case(
            arguments: ["-c", "-v"],
            options: {
                $0.mode = .count
                $0.invert = true
            }),
        Case(
            arguments: ["-c", "--include-zero"],
            options: {
                $0.mode = .count
                $0.includeZero = true
            }),
        Case(arguments: ["--count-matches"], options: { $0.mode = .countMatches }),
        Case(arguments: ["-l"], options: { $0.mode = .filesWith }),
        Case(
            arguments: ["-l", "-v"],
            options: {
                $0.mode = .filesWith
                $0.invert = true
            }),
        Case(arguments: ["--files-without-match"], options: { $0.mode = .filesWithout }),
        Case(arguments: ["-o"], options: { $0.mode = .onlyMatching }),
        Case(
            arguments: ["-o", "-A1"],
            options: {
                $0.mode = .onlyMatching
                $0.after = 1
            }),
        Case(arguments: ["-A2"], options: { $0.after = 2 }),
        Case(arguments: ["-B2"], options: { $0.before = 2 }),
        Case(
            arguments: ["-C3"],
            options: {
                $0.before = 3
                $0.after = 3
            }),
        Case(
            arguments: ["-C50"],
            options: {
                $0.before = 50
                $0.after = 50
            }),
        Case(
            arguments: ["-v", "-C1"],
            options: {
                $0.invert = true
                $0.before = 1
                $0.after = 1
            }),
        Case(arguments: ["-m1"], options: { $0.maxCount = 1 }),
        Case(arguments: ["-m3"], options: { $0.maxCount = 3 }),
        Case(
            arguments: ["-m2", "-A3"],
            options: {
                $0.maxCount = 2
                $0.after = 3
            }),
        Case(
            arguments: ["-m2", "-C2"],
            options: {
                $0.maxCount = 2
                $0.after = 2
                $0.before = 2
            }),
        Case(
            arguments: ["-m4", "-c"],
            options: {
                $0.maxCount = 4
                $0.mode = .count
            }),
        Case(
            arguments: ["-m4", "-v"],
            options: {
                $0.maxCount = 4
                $0.invert = true
            }),
        Case(arguments: ["-a"], options: { $0.asText = true }),
        Case(arguments: ["-N"], options: { $0.lineNumbers = false }),
        Case(
            arguments: ["-N", "-A1"],
            options: {
                $0.lineNumbers = false
                $0.after = 1
            }),
        Case(arguments: ["--no-filename"], options: { $0.showName = false }),
        Case(
            arguments: ["--no-filename", "-c"],
            options: {
                $0.showName = false
                $0.mode = .count
            }),
        Case(arguments: ["--heading"], options: { $0.heading = true }),
        Case(
            arguments: ["--heading", "-B1"],
            options: {
                $0.heading = true
                $0.before = 1
            }),
        Case(arguments: ["--crlf"], pattern: { $0.crlf = true }),
        Case(arguments: ["-q"], options: { $0.mode = .quiet }),
    ]

    static let patterns = [
        "foo", "error", "über", "Kick", "k", "stop", "^$", "^", "$", "foo$", "^foo", "foo|player", "e.*r", "[^a]foo",
        "\\s+foo",
        "\\bfoo\\b", "\\w+=\\d{2,3}", "(?i)ERROR", "at Foo\\.Bar\\(\\)", "[[:alpha:]]+ß", "zzz", "\\d\\d\\d\\]$",
        "o{2}", "x{100}",
        "\\W\\W", "[^\\w]", "\\Derror", "\\S+", ".", "(error|warning) .*tick", "st.*e", "stra\\we", "[Kk]ick", "",
    ]

    @Test(arguments: flagSets) func sameAsRipgrep(_ flags: Case) throws {
        let context = flags.arguments.contains { $0.hasPrefix("-A") || $0.hasPrefix("-B") || $0.hasPrefix("-C") }
        let files = Self.files.filter { !context || $0.name != "d.bin" }
        for pattern in Self.patterns where !Self.isFault(flags.arguments, pattern) {
            for (blockSize, workers) in [(1 << 18, 1), (700, 2), (90, 2)] {
                var source = MemorySource()
                for file in files { source.add(file.name, file.content, blockSize: blockSize) }
                let expected = try Self.rg(flags.arguments + ["-e", pattern], files)
                let (text, report) = try search([pattern], in: [source], patternOptions: flags.pattern) {
                    flags.options(&$0)
                    $0.searchBinary = true
                    $0.workers = workers
                }
                #expect(
                    Self.difference(text, expected.text) == nil,
                    "\(flags.arguments) -e \(pattern), blocks of \(blockSize)")
                #expect(report.exitCode() == expected.code, "\(flags.arguments) -e \(pattern)")
            }
        }
    }

    @Test func fixedStringsAndSeveralPatterns() throws {
        var source = MemorySource()
        for file in Self.files { source.add(file.name, file.content, blockSize: 700) }
        for strings in [["foo", "Bar()"], ["(", "=1"], ["über"], ["a.b", "[2025"], ["\\"]] {
            let expected = try Self.rg(["-F"] + strings.flatMap { ["-e", $0] })
            let (text, _) = try search(
                strings, in: [source], patternOptions: { $0.fixed = true }, options: { $0.searchBinary = true })
            #expect(Self.difference(text, expected.text) == nil, "\(strings)")
        }
        let expected = try Self.rg(["-e", "^foo", "-e", "player.*tick", "-e", "(?i)KICK"])
        let (text, _) = try search(
            ["^foo", "player.*tick", "(?i)KICK"], in: [source], options: { $0.searchBinary = true })
        #expect(Self.difference(text, expected.text) == nil)
    }

    /// The first line in which two outputs differ.
    static func difference(_ mine: [UInt8], _ theirs: [UInt8]) -> String? {
        let mine = normal(mine).split(separator: "\n", omittingEmptySubsequences: false)
        let theirs = normal(theirs).split(separator: "\n", omittingEmptySubsequences: false)
        for index in 0..<max(mine.count, theirs.count) {
            let left = index < mine.count ? mine[index] : "(end)"
            let right = index < theirs.count ? theirs[index] : "(end)"
            if left != right { return "ours: \(left.prefix(100)) ripgrep's: \(right.prefix(100))" }
        }
        return nil
    }

    /// The position of the first NUL is known only as far as the file was read.
    static func normal(_ text: [UInt8]) -> String {
        // With --crlf ripgrep ends a last line that has no end with a carriage return too.
        var text = String(decoding: text.filter { $0 != 0x0D }.map { $0 == 0 ? 0x3F : $0 }, as: UTF8.self)
        text = text.replacing(#/around offset \d+/#, with: "around offset")
        return text
    }

    @Test func jsonMessagesCarryTheSameFacts() throws {
        for pattern in ["foo", "error", "\\w+=\\d+", "[^\\x00-\\x7F]+"] {
            for context in [0, 2] {
                var source = MemorySource()
                let files = Self.files.filter { $0.name != "d.bin" }
                for file in files { source.add(file.name, file.content, blockSize: 700) }
                let expected = try Self.rg(["--json", "-C\(context)", "-e", pattern], files)
                let (text, _) = try search(
                    [pattern], in: [source],
                    options: {
                        $0.mode = .json
                        $0.before = context
                        $0.after = context
                        $0.searchBinary = true
                    })
                let mine = try Self.messages(text)
                let theirs = try Self.messages(expected.text)
                let differs = zip(mine, theirs).first { $0 != $1 }.map { "\($0)\n\($1)" }
                #expect(differs == nil && mine.count == theirs.count, "\(pattern) \(context)")
            }
        }
    }

    /// Messages as text in one order of keys, without times, sizes and our own fields.
    private static func messages(_ text: [UInt8]) throws -> [String] {
        try text.split(separator: 0x0A).compactMap { line in
            guard var object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
                var data = object["data"] as? [String: Any]
            else { return nil }
            let type = object["type"] as? String ?? ""
            if type == "summary" { return nil }
            if let session = data.removeValue(forKey: "session") as? String, let path = data["path"] as? [String: Any] {
                data["path"] = ["text": "\(session):\(path["text"] ?? "")"]
                #expect(data.removeValue(forKey: "tag") as? String == "1.2")
                #expect(data.removeValue(forKey: "image") as? String == "arena")
                #expect(data.removeValue(forKey: "location") as? String == "eu")
            }
            data["binary_offset"] = nil
            if var stats = data["stats"] as? [String: Any] {
                for key in ["elapsed", "bytes_searched", "bytes_printed"] { stats[key] = nil }
                data["stats"] = stats
            }
            object["data"] = data
            return String(
                decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys), as: UTF8.self)
        }
    }
}
