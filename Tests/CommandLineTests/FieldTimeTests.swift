import Foundation
import Testing

/// Logs in the formats that servers write, chosen by time.
@Suite struct FieldTimeTests {
    private static let created = "2026-11-20T21:03:00Z"

    private func since(_ file: String, _ time: String = "start+100s") throws -> Program.Outcome {
        let scratch = try Scratch()
        let store = ["SALVAGE_STORE": scratch.path("store")]
        let ingest = try Program.run(
            ["ingest", "--session", "s", "--created", Self.created, file], environment: store)
        try #require(ingest.status == 0, "\(ingest.err)")
        return try Program.run(["logs", "s", "--since", time], environment: store)
    }

    @Test(
        .enabled(if: Program.corpora != nil, "shared corpora are absent"),
        arguments: [
            "factorio.log", "odin.log", "compose_mc.log", "ampm.log", "dmesg.log", "mixed_runner_short.log",
        ])
    func theLinesSinceAMomentAreFound(name: String) throws {
        let file = try #require(Program.corpora).appendingPathComponent("field/text/times/" + name)
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let logs = try since(file.path)
        let printed = logs.out.split(separator: "\n")
        #expect(printed.count == 100, "\(logs.out.prefix(200))\(logs.err)")
        #expect(printed == lines.suffix(100))
        #expect(logs.err.isEmpty, "\(logs.err)")
    }

    /// How lines look in other formats, by the second since the session's start.
    private static let formats: [(name: String, line: @Sendable (Int) -> String)] = [
        ("epoch", { "\(1_795_208_580 + $0) tick" }),
        ("ansi", { "\u{1B}[32m[21:\(clock($0))] [INFO] tick\u{1B}[0m" }),
        ("logcat", { "11-20 21:\(clock($0)).123  1234  1234 I tag: tick" }),
        ("nginx", { "10.0.0.1 - - [20/Nov/2026:21:\(clock($0)) +0000] \"GET / HTTP/1.1\" 200 5" }),
        ("german", { "20.11.2026 21:\(clock($0)) tick" }),
        ("ctime", { "Fri Nov 20 21:\(clock($0)) 2026 tick" }),
        ("pm2", { "0|arena  | 2026-11-20 21:\(clock($0)) tick" }),
        ("kubernetes", { "2026-11-20T21:\(clock($0)).123456789Z stderr F tick" }),
        ("docker", { #"{"log":"tick\n","stream":"stdout","time":"2026-11-20T21:\#(clock($0)).1Z"}"# }),
        ("syslog", { "Nov 20 21:\(clock($0)) host arena[1]: tick" }),
        ("tomcat", { "20-Nov-2026 21:\(clock($0)).123 INFO [main] tick" }),
        ("gc", { "[\($0 + 5).012s][info][gc] tick" }),
        ("elapsed", { "[00:\(two($0 / 60)):\(two($0 % 60))]: tick" }),
        ("level first", { "[Server thread/INFO] [21:\(clock($0))] tick" }),
    ]

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    private static func clock(_ second: Int) -> String { "\(two(3 + second / 60)):\(two(second % 60))" }

    @Test(arguments: formats.map(\.name))
    func everyFormatIsChosenByTime(name: String) throws {
        let format = try #require(Self.formats.first { $0.name == name })
        let scratch = try Scratch()
        // A stack belongs to the line above it.
        let lines = (0..<200).flatMap { [format.line($0), "    at frame \($0)"] }
        let file = scratch.path("server.log")
        try lines.joined(separator: "\n").appending("\n").write(toFile: file, atomically: true, encoding: .utf8)
        let logs = try since(file)
        #expect(logs.out.split(separator: "\n").map(String.init) == Array(lines.suffix(200)), "\(logs.out.prefix(300))")
    }

    @Test func linesOfAnotherFormatKeepTheirOwnTime() throws {
        let scratch = try Scratch()
        var lines = (0..<20).map { "2026-11-20T21:\(Self.clock($0)).1Z INFO runner start" }
        lines += (20..<200).map { "[21:\(Self.clock($0))] [Server thread/INFO]: tick" }
        lines += ["2026-11-20T21:30:00.1Z INFO runner end"]
        let file = scratch.path("server.log")
        try lines.joined(separator: "\n").appending("\n").write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try since(file).out.split(separator: "\n").map(String.init) == Array(lines.suffix(101)))
        #expect(try since(file, "2026-11-20T21:20:00Z").out == lines[200] + "\n")
    }

    @Test func aLogWithoutTimesIsPrintedWithANote() throws {
        let scratch = try Scratch()
        let file = scratch.path("server.log")
        try "one\ntwo\n".write(toFile: file, atomically: true, encoding: .utf8)
        let logs = try since(file)
        #expect(logs.out == "one\ntwo\n")
        #expect(logs.err.contains("1 member has no known time format; all lines were kept"), "\(logs.err)")
    }
}
