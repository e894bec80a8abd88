import Foundation
import Synchronization
import Testing

@testable import Sandbox

/// What the operator of a sandbox must mend is said where he looks, and to whoever asked.
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
        #expect(error["details"] as? String == line + ". Whoever runs the sandbox must mend it.")
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
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0/three", "is not there")
            try stage.file(folder + "/three", "#!/no/such/shell\n")
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0/three", "/no/such/shell")
            try stage.file(folder + "/three", "#!/bin/sh\n", mode: 0o600)
            try check(try await stage.run("game"), on: stage, lines: lines, "game/1.0/three", "chmod +x")
            try stage.file(folder + "/three", "#!/bin/sh\n")
            #expect(try await stage.run("game").status == 201)
        }
    }

    /// Only the kernel can tell that this is no program.
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
            try check(answer, on: stage, lines: lines, "/server", "could not be started")
            #expect(try await stage.client.ask("GET", "/session/one").status == 404)
            #expect(try FileManager.default.contentsOfDirectory(atPath: stage.folder + "/sessions").isEmpty)
            // It counts neither as a start nor as the owner of the id.
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
            // A broken one that nobody would run is in nobody's way.
            try stage.image("game", "3.0")
            let answer = try await stage.run("game")
            #expect(try await stage.described(answer)["tag"] as? String == "3.0")
            let listing = try await stage.client.ask("GET", "/available-location/game")
            #expect(listing.status == 200)
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
                    try await stage.client.ask("GET", path), on: stage, lines: lines, "/images", "is not there")
            }
        }
    }

    @Test func aLineOfTheLogStaysOne() {
        let lines = Lines()
        lines.log("a\nb\u{1b}[31m é")
        #expect(lines.all == [#"a\u{a}b\u{1b}[31m é"#])
    }
}
