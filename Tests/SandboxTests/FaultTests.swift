import Foundation
import Sandbox
import Testing

/// Each fault switch does what its table says.
@Suite struct FaultTests {
    private static let saved = "/artifacts?session=one&path=/game/Saved"

    /// A session that has ended, and requests about it under some faults.
    private func ended(_ body: (Stage) async throws -> Void) async throws {
        try await Stage.with { stage in
            try await stage.start("one", "player", #""labels":{"mode":"duel"}"#)
            try await stage.untilEnd("one")
            try await body(stage)
        }
    }

    private func archive(_ stage: Stage, _ change: (inout Faults) -> Void) async throws -> WireClient.Answer {
        let faults = Faults(change)
        stage.server.setFaults(faults, session: "one")
        return try await Conformity.$isBent.withValue(faults.failures != nil || faults.contentType != nil) {
            try await stage.client.ask("GET", Self.saved)
        }
    }

    @Test func formsOfAnArchive() async throws {
        try await ended { stage in
            let gzip = try await archive(stage) { _ in }
            #expect(gzip.body.prefix(2) == [0x1f, 0x8b])
            let plain = try await archive(stage) { $0.archive = .tar }
            #expect(Array(plain.body[257..<262]) == Array("ustar".utf8))
            #expect(plain.body.suffix(1024) == [UInt8](repeating: 0, count: 1024)[...])
            let members = try await archive(stage) { $0.archive = .members }
            let garbage = try await archive(stage) { $0.archive = .garbage }
            let names = try stage.tar(["tf"], plain.body)
            #expect(names.status == 0)
            #expect(try stage.tar(["tzf"], gzip.body).output == names.output)
            #expect(try stage.tar(["tzf"], members.body).output == names.output)
            #expect(members.body.count > 100_000)
            #expect(try stage.tar(["tf"], garbage.body).status != 0)
            let other = try await archive(stage) { $0.contentType = "application/octet-stream" }
            #expect(other.headers["content-type"] == "application/octet-stream")
            let bare = try await archive(stage) { $0.bareNames = true }
            #expect(try stage.tar(["tzf"], bare.body).output.hasPrefix("./\n./Crashes/\n"))
        }
    }

    @Test func lengthsAndCuts() async throws {
        try await ended { stage in
            let whole = try await archive(stage) { $0.contentLength = true }
            #expect(whole.headers["content-length"] == String(whole.body.count))
            #expect(try stage.tar(["tzf"], whole.body).status == 0)
            let clean = try await archive(stage) {
                $0.cutAt = 5000
                $0.cutEnding = .clean
            }
            #expect(clean.body.count == 5000)
            #expect(clean.ending == .complete)
            let closed = try await archive(stage) { $0.cutAt = 5000 }
            #expect(closed.body.count == 5000)
            #expect(closed.ending == .short)
            let short = try await archive(stage) {
                $0.cutAt = 5000
                $0.contentLength = true
            }
            #expect(short.body.count == 5000)
            #expect(short.ending == .short)
            let reset = try await archive(stage) {
                $0.cutAt = 5000
                $0.cutEnding = .reset
            }
            #expect(reset.ending == .reset)
            let empty = try await archive(stage) { $0.cutAt = 0 }
            #expect(empty.body.isEmpty)
            #expect(empty.ending == .short)
        }
    }

    @Test func stallsAndDelays() async throws {
        try await ended { stage in
            stage.server.setFaults(Faults { $0.stallAt = 3000 }, session: "one")
            let stalled = try await stage.client.ask("GET", Self.saved, patience: 4)
            #expect(stalled.body.count == 3000)
            #expect(stalled.ending == .silent)
            let resumed = try await archive(stage) {
                $0.stallAt = 3000
                $0.stallSeconds = 0.2
                $0.delaySeconds = 0.1
                $0.bytesPerSecond = 2_000_000
            }
            #expect(resumed.ending == .complete)
            #expect(try stage.tar(["tzf"], resumed.body).status == 0)
        }
    }

    @Test func theMeaningsOf404() async throws {
        try await ended { stage in
            let never = try await archive(stage) { $0.artifact404 = .neverExisted }
            #expect(never.status == 404 && never.text.contains("session does not exist"))
            let gone = try await archive(stage) { $0.artifact404 = .containerGone }
            #expect(gone.status == 404 && gone.text.contains("container is gone"))
            let absent = try await archive(stage) { $0.artifact404 = .pathAbsent }
            #expect(absent.status == 404 && absent.text.contains("no such file"))
            stage.server.setFaults(Faults { $0.absentPath = .emptyArchive }, session: "one")
            let empty = try await stage.client.ask("GET", "/artifacts?session=one&path=/none")
            #expect(empty.status == 200)
            let listing = try stage.tar(["tzf"], empty.body)
            #expect(listing.status == 0 && listing.output.isEmpty)
            #expect(try await stage.client.ask("GET", Self.saved).status == 200)
        }
    }

    @Test func whileItRuns() async throws {
        try await Stage.with { stage in
            try await stage.start("one", "waiter")
            let refused = try await archive(stage) { _ in }
            #expect(refused.status == 404)
            let conflict = try await archive(stage) { $0.whileRunning = .conflict }
            #expect(conflict.status == 409)
            stage.server.setFaults(Faults { $0.whileRunning = .allow }, session: "one")
            #expect(try await stage.client.ask("GET", "/artifacts?session=one&path=/server").status == 200)
        }
    }

    @Test func moreThan100MB() async throws {
        try await ended { stage in
            stage.server.setFaults(Faults { $0.paddingBytes = 101_000_000 }, session: "one")
            let whole = try await stage.client.ask("GET", Self.saved)
            #expect(whole.ending == .complete)
            #expect(whole.body.count > 100_000_000)
            #expect(try stage.tar(["tzf"], whole.body).output.contains("Saved/padding.bin\n"))
            stage.server.setFaults(
                Faults {
                    $0.paddingBytes = 101_000_000
                    $0.oversize = .cut
                }, session: "one")
            let cut = try await stage.client.ask("GET", Self.saved)
            #expect(cut.body.count == 100_000_000)
            #expect(cut.ending == .short)
            stage.server.setFaults(
                Faults {
                    $0.paddingBytes = 101_000_000
                    $0.oversize = .refuse
                }, session: "one")
            #expect(try await stage.client.ask("GET", Self.saved).status == 413)
        }
    }

    @Test func holes() async throws {
        try await Stage.with { stage in
            try await stage.start("one", "waiter")
            let path = try #require(stage.server.report("one")).root + "/holes"
            #expect(FileManager.default.createFile(atPath: path, contents: nil))
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.seek(toOffset: 1 << 20)
            try file.write(contentsOf: Data("middle".utf8))
            try file.truncate(atOffset: 3 << 20)
            try file.close()
            let faults = Faults {
                $0.archive = .tar
                $0.whileRunning = .allow
            }
            stage.server.setFaults(faults, session: "one")
            let plain = try await stage.client.ask("GET", "/artifacts?session=one&path=/holes")
            #expect(plain.body.count > 3 << 20)
            stage.server.setFaults(Faults { $0.sparse = true }.over(faults), session: "one")
            let sparse = try await stage.client.ask("GET", "/artifacts?session=one&path=/holes")
            #expect(sparse.body.count < 1 << 20)
            let content = try stage.tar(["xOf"], sparse.body)
            #expect(content.status == 0)
            #expect(content.output == (try stage.tar(["xOf"], plain.body)).output)
            #expect(content.output.utf8.count == 3 << 20)
        }
    }

    @Test func bentLists() async throws {
        try await ended { stage in
            func entry(_ change: (inout Faults) -> Void) async throws -> [String: Any]? {
                let faults = Faults(change)
                stage.server.setFaults(faults, session: "one")
                return try await Conformity.$isBent.withValue(faults.legacyFields == true) {
                    try await stage.list("?all=true").first
                }
            }
            // Closures stay outside of #expect: those inside can be taken for others of the same function.
            let status = try await entry { $0.omitStatus = true }
            #expect(status != nil && status?["status"] == nil)
            let tag = try await entry { $0.omitTag = true }
            #expect(tag != nil && tag?["tag"] == nil)
            let unlabelled = try await entry { $0.omitLabels = true }
            #expect(unlabelled != nil && unlabelled?["labels"] == nil)
            let legacy = try await entry { $0.legacyFields = true }
            #expect(legacy?["playerCount"] is NSNull)
            #expect(legacy?["enableMetrics"] != nil)
            let seconds = try await entry { $0.createdInSeconds = true }
            #expect((seconds?["created"] as? Double ?? .infinity) < 10_000_000_000)
            let words = try await entry { $0.labels = .notJSON }
            #expect((words?["labels"] as? [String: String])?["tags"] == "map[mode:duel]")
            let bare = try await entry { $0.labels = .bare }
            #expect((bare?["labels"] as? [String: String])?.isEmpty == true)
            let unreachable = try await entry { $0.status = "server_unreachable" }
            #expect(unreachable?["status"] as? String == "server_unreachable")
            #expect(try await stage.status("one") == "server_unreachable")
            let passing = try await entry {
                $0.status = "server_unreachable"
                $0.statusSeconds = 0
            }
            #expect(passing?["status"] as? String == "exited")
        }
    }

    @Test func idsThatVanishEarlyOrLate() async throws {
        try await ended { stage in
            func listed(_ change: (inout Faults) -> Void) async throws -> Int {
                stage.server.setFaults(Faults(change), session: "one")
                return try await stage.list("?all=true").count
            }
            let hidden = try await listed { $0.hidden = true }
            #expect(hidden == 0)
            let early = try await listed { $0.hiddenAfterExitSeconds = 0 }
            #expect(early == 0)
            #expect(try await stage.client.ask("GET", Self.saved).status == 200)
            let notYet = try await listed { $0.hiddenAfterExitSeconds = 3600 }
            #expect(notYet == 1)
            let unknown = try await listed { $0.describe404 = true }
            #expect(unknown == 1)
            #expect(try await stage.status("one") == nil)
            #expect(stage.server.removeContainer("one"))
            let late = try await listed { $0.listedAfterRemovalSeconds = 3600 }
            #expect(late == 1)
            #expect(try await stage.client.ask("GET", Self.saved).status == 404)
            let gone = try await listed { _ in }
            #expect(gone == 0)
        }
    }

    @Test func bentLogs() async throws {
        try await ended { stage in
            let plain = try await stage.client.ask("GET", "/logs?id=one")
            stage.server.setFaults(Faults { $0.dockerFrames = true }, session: "one")
            let framed = try await stage.client.ask("GET", "/logs?id=one").body
            var at = 0
            var text: [UInt8] = []
            var streams: Set<UInt8> = []
            while at + 8 <= framed.count {
                streams.insert(framed[at])
                let size = framed[(at + 4)..<(at + 8)].reduce(0) { $0 << 8 | Int($1) }
                text += framed[(at + 8)..<min(framed.count, at + 8 + size)]
                at += 8 + size
            }
            #expect(at == framed.count)
            #expect(text == plain.body)
            #expect(streams == [1, 2])
            stage.server.setFaults(Faults { $0.followHangs = true }, session: "one")
            let hung = try await stage.client.ask("GET", "/logs?id=one&follow=true", patience: 4)
            #expect(hung.ending == .silent)
            #expect(hung.body == plain.body)
            stage.server.setFaults(Faults { $0.logsAfterExit = .notFound }, session: "one")
            #expect(try await stage.client.ask("GET", "/logs?id=one").status == 404)
            stage.server.setFaults(Faults { $0.logsAfterExit = .empty }, session: "one")
            let empty = try await stage.client.ask("GET", "/logs?id=one")
            #expect(empty.status == 200 && empty.body.isEmpty)
            let cut = Faults {
                $0.cutAt = 5
                $0.bodyOperations = ["stream-logs"]
            }
            stage.server.setFaults(cut, session: "one")
            let short = try await stage.client.ask("GET", "/logs?id=one")
            #expect(short.body.count == 5 && short.ending == .short)
        }
    }

    @Test(arguments: [401, 402, 403, 420, 429, 500, 502, 503])
    func failures(status: Int) async throws {
        try await ended { stage in
            let failure = Faults.Failure(operation: "artifacts", status: status, count: 1, retryAfter: "3")
            let first = try await archive(stage) { $0.failures = [failure] }
            #expect(first.status == status)
            #expect(first.headers["retry-after"] == "3")
            #expect(try stage.object(first)["identifier"] is String)
            #expect(try await stage.client.ask("GET", Self.saved).status == 200)
        }
    }

    @Test func shapesOfErrors() async throws {
        try await ended { stage in
            func answer(_ body: Faults.Failure.Body) async throws -> WireClient.Answer {
                try await archive(stage) { $0.failures = [.init(status: 502, body: body)] }
            }
            let page = try await answer(.html)
            #expect(page.headers["content-type"] == "text/html" && page.text.hasPrefix("<html>"))
            #expect(try stage.object(try await answer(.bare)).count == 1)
            let anonymous = try stage.object(try await answer(.noIdentifier))
            #expect(anonymous["identifier"] == nil && anonymous["statusCode"] as? Int == 502)
            let broken = try await answer(.broken)
            #expect((try? JSONSerialization.jsonObject(with: Data(broken.body))) == nil)
            #expect(try await answer(.empty).body.isEmpty)
        }
    }

    @Test func theAdminInterfaceSetsAndClears() async throws {
        try await ended { stage in
            let set = try await stage.client.ask(
                "POST", "/_sandbox/faults",
                json:
                    #"{"session":"*","faults":{"artifact_404":"container_gone","failures":[{"status":503,"count":1}]}}"#
            )
            #expect(set.status == 204)
            let failed = try await Conformity.$isBent.withValue(true) { try await stage.client.ask("GET", "/session") }
            #expect(failed.status == 503)
            #expect(try await stage.client.ask("GET", "/session").status == 200)
            #expect(try await stage.client.ask("GET", Self.saved).status == 404)
            let told = try await stage.client.ask("GET", "/_sandbox/faults?session=one")
            #expect(try stage.object(told)["artifact_404"] as? String == "container_gone")
            #expect(try await stage.client.ask("DELETE", "/_sandbox/faults").status == 204)
            #expect(try await stage.client.ask("GET", Self.saved).status == 200)
            for faults in [#"{"cut_att":1}"#, #"{"cut_at":"x"}"#, "5"] {
                let refused = try await stage.client.ask(
                    "POST", "/_sandbox/faults", json: #"{"session":"*","faults":\#(faults)}"#)
                #expect(refused.status == 422, "\(refused.text)")
            }
            #expect(stage.server.answered["artifacts 200"] == 1)
        }
    }

    @Test func aLabelBringsFaults() async throws {
        try await Stage.with { stage in
            try await stage.start("one", "player", #""labels":{"sandbox.faults":"{\"artifact_404\":\"path_absent\"}"}"#)
            try await stage.untilEnd("one")
            #expect(try await stage.client.ask("GET", Self.saved).status == 404)
        }
    }

    @Test func probabilitiesFollowTheSeed() async throws {
        try await Stage.with { stage in
            stage.server.setFaults(Faults { $0.failures = [.init(status: 500, probability: 0.5)] })
            var failed = 0
            try await Conformity.$isBent.withValue(true) {
                for _ in 0..<40 where try await stage.client.ask("GET", "/session").status == 500 { failed += 1 }
            }
            #expect((8...32).contains(failed))
        }
    }

    @Test func switchesSurviveJSON() throws {
        for faults in FaultMix.standard { #expect(try Faults(json: faults.json) == faults) }
        let mix = FaultMix(seed: 3, share: 0.5)
        let dealt = (0..<1000).filter { mix.faults(of: "session-\($0)") != nil }.count
        #expect((400...600).contains(dealt))
        #expect(mix.faults(of: "a") == FaultMix(seed: 3, share: 0.5).faults(of: "a"))
    }
}
