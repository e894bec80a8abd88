import Foundation
import Testing

/// What the program prints to a terminal: tables that fit, local time, a pager, the characters of the locale.
@Suite(.serialized, .enabled(if: PseudoTerminal.isAvailable)) struct TerminalTests {
    private static let session = "0f4c1a52-7d7c-4e0e-9a0b-5a2f0c9a7f"
    private let scratch: Scratch
    private var store: String { scratch.path("store") }

    /// Makes a store with long ids, tags, paths and signatures.
    init() throws {
        scratch = try Scratch()
        for number in 10...12 {
            let error = "DedicatedServerReplicationChannelClosedUnexpectedlyError"
            let log = """
                starting größe
                Traceback (most recent call last):
                  File "server.py", line 3, in <module>
                    tick()
                  File "server.py", line 2, in replicate_all_actors_of_the_world_\(number)
                    raise \(error)("x")
                \(error): x

                """
            let session = scratch.path("sessions/\(Self.session)\(number)")
            let folder = session + "/Saved/Logs/with/a/very/long/path/to/the/größe-of-the-server"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try log.write(toFile: folder + "/Shooter.log", atomically: true, encoding: .utf8)
            try "{\"tag\":\"1.4.\(number)-rc2+build-20261129\"}".write(
                toFile: session + "/salvage-metadata.json", atomically: true, encoding: .utf8)
        }
        let outcome = try Program.run([
            "ingest", "--store", store, "--each", scratch.path("sessions"), "--image",
            "eu-registry/team/shooter-dedicated", "--location", "eu-west-1-frankfurt", "--created",
            "2026-07-01T18:30Z", "--exited", "2026-07-01T20:00Z",
        ])
        try #require(outcome.status == 0, "\(outcome.err)")
    }

    private static let listings: [[String]] = [
        ["sessions"], ["crashes"], ["crashes", "top"], ["crashes", "diff", "1.4.10*", "1.4.11*"],
        ["files", session + "10"], ["coverage", "--all"], ["why", session + "10"],
        ["show", session + "10"], ["status"],
    ]

    private func run(
        _ arguments: [String], columns: Int = 80, environment: [String: String] = [:]
    ) throws -> Program.Outcome {
        let variables = ["SALVAGE_PAGER": "", "SALVAGE_STORE": store, "NO_COLOR": "1"]
        return try PseudoTerminal(columns: columns).run(
            arguments, environment: variables.merging(environment) { _, new in new })
    }

    private func columns(_ line: Substring) -> [String] {
        line.components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    @Test(arguments: [80, 120, 60], [0, 1, 2, 4])
    func aTableFitsAndItsHeadingsAreWhole(_ width: Int, _ listing: Int) throws {
        let arguments = Self.listings[listing]
        let shown = try run(arguments, columns: width)
        #expect(shown.status == 0, "\(arguments): \(shown.out)")
        let lines = shown.out.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= width }, "\(arguments): \(shown.out)")
        let whole = try Program.run(arguments, environment: ["SALVAGE_STORE": store])
        // `files` has the artifact's name above its table.
        let isHeading = { (line: Substring) in line.contains("  ") && line.uppercased() == line }
        let all = columns(try #require(whole.out.split(separator: "\n").first(where: isHeading)))
        let some = columns(try #require(lines.first(where: isHeading)))
        #expect(some.allSatisfy { all.contains($0) }, "\(some) of \(all)")
        if some.count < all.count { #expect(shown.out.contains("not shown: "), "\(shown.out)") }
    }

    @Test func onAPipeNothingIsCut() throws {
        let sessions = try Program.run(["sessions"], environment: ["SALVAGE_STORE": store, "COLUMNS": "40"])
        #expect(sessions.out.contains(Self.session + "11") && sessions.out.contains("1.4.11-rc2+build-20261129"))
        #expect(!sessions.out.contains("not shown") && !sessions.out.contains("\u{1B}"))
    }

    @Test func theColumnsThatTheUserNamesAreShown() throws {
        let sessions = try run(["sessions", "--columns", "tag,Session"])
        #expect(sessions.out.hasPrefix("TAG "), "\(sessions.out)")
        #expect(sessions.out.split(separator: "\n").first?.hasSuffix("SESSION") == true)
        let wrong = try run(["--columns=tag,colour", "sessions"])
        #expect(wrong.status == 64 && wrong.out.contains("'colour'") && wrong.out.contains("session,"), "\(wrong.out)")
        #expect(try run(["sessions", "--columns", "tag", "--json"]).status == 64)
    }

    @Test(arguments: [0, 1, 2, 4, 7])
    func aPagerGetsWhatIsReadFromTheTop(_ listing: Int) throws {
        let arguments = Self.listings[listing]
        let pager = ["SALVAGE_PAGER": "sed 's/^/paged: /'"]
        let paged = try run(arguments, environment: pager)
        #expect(paged.status == 0)
        #expect(paged.out.split(separator: "\n").allSatisfy { $0.hasPrefix("paged: ") }, "\(paged.out)")
        let plain = try run(arguments)
        let without = try run(arguments + ["--no-pager"], environment: pager)
        #expect(without.out == plain.out && !plain.out.contains("paged: "), "\(without.out)")
        #expect(paged.out.replacingOccurrences(of: "paged: ", with: "") == plain.out)
    }

    @Test func searchesObjectsAndPipesHaveNoPager() throws {
        let pager = ["SALVAGE_PAGER": "sed 's/^/paged: /'", "SALVAGE_STORE": store]
        for arguments in [["grep", "tick"], ["--json", "sessions"], ["--json", "show", Self.session + "10"]] {
            #expect(try !run(arguments, environment: pager).out.contains("paged: "), "\(arguments)")
        }
        #expect(try !Program.run(["sessions"], environment: pager).out.contains("paged: "))
        #expect(try run(["logs", Self.session + "10"], environment: pager).out.contains("paged: starting"))
    }

    @Test func aPagerThatIsMissingOrLeftIsNoError() throws {
        let missing = try run(["sessions"], environment: ["SALVAGE_PAGER": "no-such-pager -x"])
        let plain = try run(["sessions"])
        #expect(missing.status == 0 && missing.out == plain.out, "\(missing.out)")
        let left = try run(["sessions"], environment: ["SALVAGE_PAGER": "true"])
        #expect(left.status == 0 && left.out.isEmpty, "\(left.out)")
        // An error stays on the terminal.
        let wrong = try run(["show", "nope"], environment: ["SALVAGE_PAGER": "sed 's/^/paged: /'"])
        #expect(wrong.status == 1 && wrong.out.hasPrefix("salvage: "), "\(wrong.out)")
    }

    @Test func theTextOfAContainerIsEscapedInThePager() throws {
        let scratch = try Scratch()
        try "a\u{1B}[2Jb\n".write(toFile: scratch.path("a.log"), atomically: true, encoding: .utf8)
        let store = ["SALVAGE_STORE": scratch.path("store"), "SALVAGE_PAGER": "sed -n p"]
        try #require(
            Program.run(["ingest", "--session", "s", scratch.path("a.log")], environment: store).status == 0)
        let logs = try run(["logs", "s"], environment: store)
        #expect(logs.out.contains("a\\x1b[2Jb") && !logs.out.contains("\u{1B}[2J"), "\(logs.out)")
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 7, 8])
    func aLocaleWithoutUTF8GetsASCII(_ listing: Int) throws {
        for locale in [["LC_ALL": "C"], ["LC_ALL": "", "LC_CTYPE": "", "LANG": ""]] {
            let shown = try run(Self.listings[listing], environment: locale)
            #expect(shown.out.utf8.allSatisfy { $0 < 0x80 }, "\(Self.listings[listing]): \(shown.out)")
        }
        // So is the text of a container, on a terminal; elsewhere it is as it is stored.
        let arguments = [["logs", Self.session + "10"], ["grep", "^starting"], ["grep", "-c", "starting"]]
        for arguments in arguments {
            let shown = try run(arguments, environment: ["LC_ALL": "C"])
            #expect(shown.out.contains("gr\\u{f6}\\u{df}e") && shown.out.utf8.allSatisfy { $0 < 0x80 }, "\(shown.out)")
            let piped = try Program.run(arguments, environment: ["SALVAGE_STORE": store, "LC_ALL": "C"])
            #expect(piped.out.contains("größe"), "\(piped.out)")
        }
        // JSON is UTF-8 everywhere.
        let json = try run(["--json", "files", Self.session + "10"], environment: ["LC_ALL": "C"])
        #expect(json.out.contains("größe"), "\(json.out)")
    }

    @Test func timesAreLocalAndTheZoneIsNamed() throws {
        let zone = ["TZ": "America/New_York"]
        // `show` names the zone of the instant: daylight saving time in July.
        let show = try run(["show", Self.session + "10"], environment: zone)
        #expect(show.out.contains("2026-07-01 14:30:00 to 2026-07-01 16:00:00 EDT"), "\(show.out)")
        let sessions = try run(["sessions"], columns: 200, environment: zone)
        #expect(sessions.out.contains("2026-07-01 16:00:00"), "\(sessions.out)")
        #expect(sessions.out.contains("ENDED (EST)") || sessions.out.contains("ENDED (EDT)"))
        for utc in [
            try run(["sessions", "--utc"], columns: 200, environment: zone), try run(["sessions"], columns: 200),
        ] {
            #expect(utc.out.contains("ENDED (UTC)") && utc.out.contains("2026-07-01 20:00:00"), "\(utc.out)")
        }
        let rule = try run(["sessions"], columns: 200, environment: ["TZ": "CET-1CEST,M3.5.0,M10.5.0/3"])
        #expect(rule.out.contains("2026-07-01 22:00:00"), "\(rule.out)")
        let unknown = try run(["sessions"], columns: 200, environment: ["TZ": "Middle/Earth"])
        #expect(unknown.out.contains("ENDED (UTC)"), "\(unknown.out)")
        #expect(try run(["--json", "sessions"], environment: zone).out.contains("\"2026-07-01T20:00:00.000Z\""))
    }

    /// The sessions ended at 16:00 in New York.
    @Test(arguments: [
        ("2026-07-01 15:59", true), ("2026-07-01 16:01", false), ("2026-07-01T15:59", true), ("2026-07-01", true),
        ("2026-07-02", false), ("2026-07-01T19:59Z", true), ("2026-07-01T20:01Z", false), ("@1782935940", true),
    ])
    func aTimeWithoutAZoneIsLocal(_ since: String, _ isFound: Bool) throws {
        let sessions = try run(["sessions", "--since", since], environment: ["TZ": "America/New_York"])
        #expect((sessions.status == 0) == isFound, "\(sessions.out)")
        // In UTC they ended at 20:00.
        let utc = try run(
            ["sessions", "--utc", "--since", "2026-07-01 19:59"], environment: ["TZ": "America/New_York"])
        #expect(utc.status == 0, "\(utc.out)")
    }

    @Test func aRefusedTimeNamesTheForms() throws {
        let refused = try run(["sessions", "--since", "noonish"])
        #expect(refused.status == 64 && refused.out.contains("'noonish'"), "\(refused.out)")
        for form in ["02:45", "yesterday 22:00", "last week", "2 hours ago"] { #expect(refused.out.contains(form)) }
    }

    @Test func coloursFollowTheEnvironment() throws {
        func isColored(_ variables: [String: String], _ flags: [String] = []) throws -> Bool {
            try run(["sessions"] + flags, environment: ["NO_COLOR": ""].merging(variables) { _, new in new }).out
                .contains("\u{1B}[")
        }
        #expect(try isColored([:]))
        #expect(try !isColored(["NO_COLOR": "1"]))
        #expect(try !isColored(["CLICOLOR": "0"]))
        #expect(try isColored(["CLICOLOR": "0"], ["--color", "always"]))
        #expect(try isColored(["SALVAGE_PAGER": "sed -n p"]), "colour stays on in a pager")
        let forced = ["CLICOLOR_FORCE": "1", "SALVAGE_STORE": store]
        #expect(try Program.run(["sessions"], environment: forced).out.contains("\u{1B}["))
    }

    @Test func theHelpOfAWordHasTheFlagsOfItsDefault() throws {
        let crashes = try Program.run(["crashes", "--help"])
        #expect(crashes.out.contains("--signature") && crashes.out.contains("--since"), "\(crashes.out)")
        let start = try Program.run(["api", "session-run", "--help"])
        #expect(start.out.components(separatedBy: "\n  --version").count == 2, "\(start.out)")
    }

    @Test func quietIngestPrintsNothing() throws {
        let scratch = try Scratch()
        try "line\n".write(toFile: scratch.path("a.log"), atomically: true, encoding: .utf8)
        let quiet = try Program.run([
            "ingest", "--quiet", "--store", scratch.path("store"), "--session", "s", scratch.path("a.log"),
        ])
        #expect(quiet.status == 0 && quiet.out.isEmpty && quiet.err.isEmpty, "\(quiet.out)\(quiet.err)")
    }

    @Test func anAddressWithoutAServerIsNamed() throws {
        let variables = ["SALVAGE_API_URL": "http://127.0.0.1:9", "GAMEYE_API_TOKEN": "t"]
        let refused = try Program.run(["api", "session-list"], environment: variables)
        #expect(refused.status == 75)
        #expect(refused.err.split(separator: "\n").first?.contains("http://127.0.0.1:9") == true, "\(refused.err)")
    }
}
