import Foundation
import Synchronization
import Testing

@testable import Sandbox

/// A broken image is reported in the operator's log and in the response to the request.
@Suite struct BrokenImageTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func append(_ line: String) { lines.withLock { $0.append(line) } }
        var log: ServerLog { ServerLog { self.append($0) } }
    }

    private func check(
        _ answer: WireClient.Answer, on stage: Stage, lines: Lines, _ file: String, _ reason: String
    ) throws {
        #expect(answer.status == 500, "\(answer.text)")
        let error = try stage.object(answer)
        #expect(error["code"] as? String == "IMAGE_BROKEN")
        #expect(answer.headers["retry-after"] == nil)
        for name in ["message", "details"] {
            let text = try #require(error[name] as? String)
            #expect(text.contains(file) && text.contains(reason), "\(name): \(text)")
        }
        let line = try #require(lines.all.last)
        #expect(line.contains(file) && line.contains(reason), "\(line)")
        #expect(error["details"] as? String == line + ". The sandbox's operator must fix it.")
    }

    @Test func anImageJsonThatCannotBeReadIsTheOperatorsMatter() async throws {
        let lines = Lines()
        try await Stage.with(log: lines.log) { stage in
            let folder = try stage.image("game", json: #"{"ports":["7777/sctp"],"env":{"":"x"},"copy":1}"#)
            let file = "game/1.0/image.json"
            let paths = ["/available-location/game", "/tag/europe/game/1.0", "/tag/us-east/game/1.0"]
            for path in paths {
                try check(try await stage.client.ask("GET", path), on: stage, lines: lines, file, "ports[0]")
            }
            for version in [nil, "1.0"] {
                let answer = try await stage.run("game", version: version)
                try check(answer, on: stage, lines: lines, file, "env.")
                try check(answer, on: stage, lines: lines, file, "copy must be true or false")
            }
            #expect(try await stage.list("?all=true").isEmpty)
            try FileManager.default.removeItem(atPath: folder + "/image.json")
            try FileManager.default.createDirectory(atPath: folder + "/image.json", withIntermediateDirectories: true)
            try check(try await stage.run("game"), on: stage, lines: lines, file, "is not a file")
            try FileManager.default.removeItem(atPath: folder + "/image.json")
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/image.json", withDestinationPath: "nowhere.json")
            try check(try await stage.run("game"), on: stage, lines: lines, file, "cannot be read")
            try FileManager.default.removeItem(atPath: folder + "/image.json")
            #expect(try await stage.run("game").status == 201)
        }
    }

    @Test func aMissingExecutableIsTheOperatorsMatter() async throws {
        let lines = Lines()
        try await Stage.with(log: lines.log) { stage in
            let folder = try stage.image("game", script: nil)
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0", "has no executable")
            try stage.file(folder + "/one", "#!/bin/sh\n")
            try stage.file(folder + "/two", "#!/bin/sh\n")
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0", "(one, two)")
            try stage.file(folder + "/image.json", #"{"executable":"three"}"#, mode: 0o644)
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0/three", "cannot be found")
            try stage.file(folder + "/three", "#!/no/such/shell\n")
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0/three", "/no/such/shell")
            try stage.file(folder + "/three", "#!/bin/sh\n", mode: 0o600)
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0/three", "chmod +x")
            try stage.file(folder + "/three", "#!/bin/sh\n")
            #expect(try await stage.run("game").status == 201)
        }
    }

    @Test func aProgramThatTheKernelRefusesIsTheOperatorsMatter() async throws {
        let lines = Lines()
        let change: (inout SandboxConfiguration) -> Void = {
            $0.startsPerMinute = 1
            $0.minute = 3600
        }
        try await Stage.with(change, log: lines.log) { stage in
            let folder = try stage.image("game", script: nil)
            try stage.file(folder + "/server", "\u{7f}ELF and nothing else")
            let answer = try await stage.client.ask(
                "POST", "/session", json: #"{"id":"one","location":"europe","image":"game"}"#)
            try check(answer, on: stage, lines: lines, "/images/game/1.0/server", "not a valid ELF program")
            #expect(try await stage.client.ask("GET", "/session/one").status == 404)
            #expect(try FileManager.default.contentsOfDirectory(atPath: stage.folder + "/sessions").isEmpty)
            // It is not counted as a start, and it does not take the id.
            try await stage.start("one", "waiter")
        }
    }

    @Test func theHighestVersionIsNotPassedOverWhenItIsBroken() async throws {
        let lines = Lines()
        try await Stage.with(log: lines.log) { stage in
            try stage.image("game", "1.0")
            try stage.image("game", "2.0", json: "{")
            try check(try await stage.run("game"), on: stage, lines: lines, "game/2.0", "is not a JSON object")
            #expect(try await stage.run("game", version: "1.0").status == 201)
            // A broken version that nothing would run does not matter.
            try stage.image("game", "3.0")
            let answer = try await stage.run("game")
            #expect(try await stage.described(answer)["tag"] as? String == "3.0")
            let listing = try await stage.client.ask("GET", "/available-location/game")
            #expect(listing.status == 200)
            #expect(lines.all.count { $0.contains("2.0/image.json") && $0.contains("another version runs") } == 1)
        }
    }

    @Test func aFailureOfTheStartNamesTheImagesOwnFile() async throws {
        let lines = Lines()
        try await Stage.with(log: lines.log) { stage in
            let folder = try stage.image("game")
            // The message names what cannot be copied.
            try FileManager.default.removeItem(atPath: stage.folder + "/sessions")
            try stage.file(stage.folder + "/sessions", "in the way", mode: 0o644)
            let answer = try await stage.run("game")
            #expect(answer.status == 500 && answer.text.contains("INTERNAL_ERROR"), "\(answer.text)")
            #expect(["Not a directory", "File exists"].contains { answer.text.contains($0) }, "\(answer.text)")
            #expect(!answer.text.contains("CocoaError"), "\(answer.text)")
            guard case .image(let broken) = StartFailure(executable: folder + "/server", code: ENOEXEC) else {
                Issue.record("the image is not blamed")
                return
            }
            #expect(broken.file == folder + "/server")
        }
    }

    @Test func anIntegerMayBeWrittenWithAPoint() async throws {
        try await Stage.with { stage in
            try stage.image("game", "1.0", json: #"{"priority":1.0}"#)
            try stage.image("game", "2.0", json: #"{"priority":0e0}"#)
            let answer = try await stage.run("game")
            #expect(try await stage.described(answer)["tag"] as? String == "1.0")
        }
    }

    /// Each way in which an image looks complete but cannot be started.
    private static let faults: [(name: String, file: String, make: @Sendable (Stage, String) throws -> Void)] = [
        (
            "pipe", "/deep/pipe",
            { _, folder in
                try FileManager.default.createDirectory(atPath: folder + "/deep", withIntermediateDirectories: true)
                #expect(mkfifo(folder + "/deep/pipe", 0o600) == 0)
            }
        ),
        (
            "pipe called server", "/server",
            { _, folder in
                try FileManager.default.removeItem(atPath: folder + "/server")
                #expect(mkfifo(folder + "/server", 0o700) == 0)
            }
        ),
        (
            "socket", "/socket",
            { _, folder in
                #expect(mknod(folder + "/socket", S_IFSOCK | 0o600, 0) == 0)
            }
        ),
        ("other machine", "/server", { _, folder in try program(folder) { $0[18] ^= 0xff } }),
        ("other class", "/server", { _, folder in try program(folder) { $0[4] = 3 - $0[4] } }),
        ("other order of bytes", "/server", { _, folder in try program(folder) { $0[5] = 3 - $0[5] } }),
        ("cut short", "/server", { _, folder in try program(folder) { $0.removeSubrange(64...) } }),
        (
            "no loader", "/server",
            { _, folder in
                try program(folder) { bytes in
                    let loader = try #require(bytes.firstRange(of: Array("/ld-linux".utf8)))
                    bytes[loader.lowerBound + 1] = UInt8(ascii: "x")
                }
            }
        ),
        ("garbage", "/server", { stage, folder in try stage.file(folder + "/server", "\u{7f}ELF garbage") }),
        ("interpreter is a folder", "/server", { stage, folder in try stage.file(folder + "/server", "#!/tmp\n") }),
        (
            "interpreter may not be executed", "/server",
            { stage, folder in
                try stage.file(folder + "/shell", "#!/bin/sh\n", mode: 0o644)
                try stage.file(folder + "/server", "#!\(folder)/shell\n")
            }
        ),
        (
            "interpreter is no program", "/server",
            { stage, folder in
                try stage.file(folder + "/shell", "echo no program\n")
                try stage.file(folder + "/server", "#!\(folder)/shell\n")
            }
        ),
        ("no interpreter", "/server", { stage, folder in try stage.file(folder + "/server", "#! \n") }),
        (
            "its own interpreter", "/server",
            { stage, folder in
                try stage.file(folder + "/server", "#!\(folder)/server\n")
            }
        ),
        ("workdir is a file", "/server", { stage, folder in try json(stage, folder, #"{"workdir":"server"}"#) }),
        ("workdir in a file", "/server", { stage, folder in try json(stage, folder, #"{"workdir":"server/a"}"#) }),
        (
            "workdir through a link to nothing", "/gone",
            { stage, folder in
                try FileManager.default.createSymbolicLink(atPath: folder + "/gone", withDestinationPath: "nowhere")
                try json(stage, folder, #"{"workdir":"gone/a"}"#)
            }
        ),
        (
            "long workdir", "/image.json",
            { stage, folder in
                try json(stage, folder, #"{"workdir":"\#(String(repeating: "a", count: 256))"}"#)
            }
        ),
        (
            "long argument", "/image.json",
            { stage, folder in
                try json(stage, folder, #"{"args":["\#(String(repeating: "a", count: 128 * 1024))"]}"#)
            }
        ),
        (
            "long variable", "/image.json",
            { stage, folder in
                try json(stage, folder, #"{"env":{"A":"\#(String(repeating: "a", count: 128 * 1024 - 2))"}}"#)
            }
        ),
        (
            "many arguments", "/image.json",
            { stage, folder in
                try json(
                    stage, folder, #"{"args":[\#(Array(repeating: #""a""#, count: 110_000).joined(separator: ","))]}"#)
            }
        ),
        (
            "many ports", "/image.json",
            { stage, folder in
                try json(stage, folder, #"{"ports":["1/udp","2/udp","3/udp","4/udp","5/udp"]}"#)
            }
        ),
        ("label tags", "/image.json", { stage, folder in try json(stage, folder, #"{"labels":{"tags":"x"}}"#) }),
        ("label env", "/image.json", { stage, folder in try json(stage, folder, #"{"labels":{"env":"x"}}"#) }),
        ("label gameye", "/image.json", { stage, folder in try json(stage, folder, #"{"labels":{"gameye":"x"}}"#) }),
    ]

    private static func json(_ stage: Stage, _ folder: String, _ text: String) throws {
        try stage.file(folder + "/image.json", text, mode: 0o644)
    }

    /// A real program of this machine as the executable, changed.
    private static func program(_ folder: String, _ change: (inout [UInt8]) throws -> Void) throws {
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "/bin/true")))
        try change(&bytes)
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/server"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/server")
    }

    @Test func whatCannotStartIsBrokenForAllThreeOperations() async throws {
        let lines = Lines()
        let change: (inout SandboxConfiguration) -> Void = { $0.ports = 20_000...20_003 }
        try await Stage.with(change, log: lines.log) { stage in
            for (number, fault) in Self.faults.enumerated() {
                let image = "broken-\(number)"
                let folder = try stage.image(image)
                try fault.make(stage, folder)
                for path in ["/available-location/\(image)", "/tag/europe/\(image)/1.0"] {
                    let answer = try await stage.client.ask("GET", path)
                    try check(answer, on: stage, lines: lines, "\(image)/1.0\(fault.file)", fault.file)
                }
                for version in [nil, "1.0"] {
                    let answer = try await stage.run(image, version: version)
                    try check(answer, on: stage, lines: lines, "\(image)/1.0\(fault.file)", fault.file)
                }
            }
        }
    }

    /// Images that look odd but start.
    @Test func whatCanStartIsNotBroken() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.ports = 20_000...20_031 }
        try await Stage.with(change) { stage in
            try Self.program(try stage.image("program")) { _ in }
            try stage.file(try stage.image("script") + "/server", "#! \t/bin/sh -e\nexit 0\n")
            let chain = try stage.image("chain")
            try stage.file(chain + "/shell", "#!/bin/sh\nexit 0\n")
            try stage.file(chain + "/server", "#!./shell\n")
            let linked = try stage.image("linked", json: #"{"workdir":"link/new"}"#)
            try FileManager.default.createDirectory(atPath: linked + "/real", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: linked + "/link", withDestinationPath: "real")
            try FileManager.default.createSymbolicLink(atPath: linked + "/nowhere", withDestinationPath: "none")
            let large = String(repeating: "a", count: 128 * 1024 - 1)
            try stage.image("large", json: #"{"args":["\#(large)"],"workdir":"\#(String(large.prefix(255)))"}"#)
            let inPlace = try stage.image("in-place", json: #"{"copy":false}"#)
            #expect(mkfifo(inPlace + "/pipe", 0o600) == 0)
            for image in ["program", "script", "chain", "linked", "large", "in-place"] {
                let exists = try await stage.client.ask("GET", "/tag/europe/\(image)/1.0")
                #expect(exists.text == #"{"exists":true}"#, "\(image): \(exists.text)")
                let answer = try await stage.run(image)
                #expect(answer.status == 201, "\(image): \(answer.text)")
            }
        }
    }

    @Test func aKeyThatMeansNothingIsMentionedOnce() async throws {
        let lines = Lines()
        try await Stage.with(log: lines.log) { stage in
            try stage.image("game", json: #"{"exectuable":"x"}"#)
            for _ in 0..<3 { #expect(try await stage.run("game").status == 201) }
            #expect(lines.all.count { $0.contains("exectuable") } == 1)
        }
    }

    @Test func theFolderOfImagesItself() async throws {
        let lines = Lines()
        try await Stage.with(log: lines.log) { stage in
            try FileManager.default.removeItem(atPath: stage.folder + "/images")
            for path in ["/available-location/player", "/tag/europe/player/1.0"] {
                try check(
                    try await stage.client.ask("GET", path), on: stage, lines: lines, "/images", "does not exist")
            }
        }
    }

    @Test func aLineOfTheLogStaysOne() {
        let lines = Lines()
        lines.log("a\nb\u{1b}[31m é")
        #expect(lines.all == [#"a\u{a}b\u{1b}[31m é"#])
    }
}
