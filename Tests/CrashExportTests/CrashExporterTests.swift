import Foundation
import Model
import SalvageConfiguration
import Synchronization
import Testing

@testable import CrashExport

/// The whole way from the queue to a real server that refuses now and then.
@Suite struct CrashExporterTests {
    /// A store with a crash for every id.
    private struct Source: ExportSource {
        var minidump: [UInt8]?
        var gone: Set<String> = []

        func content(ofCrash crash: String, session: String, withMinidump: Bool) -> ExportContent {
            if gone.contains(crash) { return .gone(reason: "it was pruned") }
            var exported = ExportedCrash(record: TestCrashes.record(crash), session: session, signature: "f")
            if withMinidump { exported.minidump = minidump.map { TestCrashes.minidump($0) } }
            return .crash(exported)
        }
    }

    /// A store's folder, a server, and what was said.
    private final class Stage {
        let folder: TestFolder
        let server: EnvelopeServer
        let said = SaidWords()

        init(_ answers: [EnvelopeServer.Answer] = []) throws {
            folder = try TestFolder()
            server = try EnvelopeServer(answers)
            try write(server.dsn)
        }

        func write(_ dsn: String, mode: Int = 0o600) throws {
            let path = folder.path + "/dsn"
            try (dsn + "\n").write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }

        func exporter(_ source: Source = Source(), timeout: Int64 = 5000, minidumps: Bool = true) -> CrashExporter {
            var configuration = Configuration()
            var sentry = Configuration.Exports.Sentry()
            sentry.dsn = .file(folder.path + "/dsn")
            sentry.timeout = timeout
            sentry.minidumps = minidumps
            configuration.export.sentry = sentry
            return CrashExporter(
                store: folder.path, current: CurrentConfiguration(configuration), environment: [:], version: "1",
                source: source
            ) { [said] in said.add($0) }
        }

        func id(_ crash: String) -> String { SentryEvent.id(session: "s", crash: crash) }

        func entries() throws -> [ExportEntry] { try ExportEntry.entries(of: "s", store: folder.path) }
    }

    /// Sentences that were reported.
    private final class SaidWords: Sendable {
        private let words = Mutex<[String]>([])
        var all: [String] { words.withLock { $0 } }
        func add(_ text: String) { words.withLock { $0.append(text) } }
    }

    /// Waits until something holds; fails the test after a minute.
    private func until(_ what: String, _ holds: () throws -> Bool) async throws {
        for _ in 0..<1200 {
            if try holds() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("a minute passed, and still not: \(what)")
    }

    @Test func everyCrashArrivesAlthoughTheServerRefusesNowAndThen() async throws {
        let stage = try Stage([
            .status(500, text: "oops \(EnvelopeServer.key)"), .status(200), .cut, .garbage,
            .status(429, headers: ["X-Sentry-Rate-Limits: 1:error:key", "Retry-After: 1"]), .cutAfterTaking,
            .status(503, headers: ["Retry-After: 1"]),
        ])
        let exporter = stage.exporter(Source(minidump: Array("MDMP and more".utf8)))
        exporter.start { _ in }
        let crashes = (0..<12).map { "c\($0)" }
        #expect(exporter.queue(crashes.map { (id: $0, hasMinidump: $0 < "c5") }, of: "s"))
        try await until("all are sent") { exporter.report?.sent == crashes.count }
        await exporter.finish(within: 1000)
        let taken = stage.server.taken
        #expect(Set(taken.keys) == Set(crashes.map(stage.id)) && stage.server.complaints.isEmpty)
        #expect(taken.values.reduce(0, +) == crashes.count + 1, "only the one that was cut came twice: \(taken)")
        #expect(stage.server.minidumps[stage.id("c3")] == Array("MDMP and more".utf8))
        #expect(stage.server.minidumps[stage.id("c7")] == nil)
        let entries = try stage.entries()
        #expect(entries.allSatisfy { $0.state == .sent && $0.event == stage.id($0.crash) } && entries.count == 12)
        #expect(stage.said.all.contains { $0.contains("HTTP 500: oops [redacted]") }, "\(stage.said.all)")
        #expect(!stage.said.all.joined().contains(EnvelopeServer.key))
        let kept = stage.folder.everything.replacing(stage.server.dsn, with: "")
        #expect(!kept.contains(EnvelopeServer.key))
    }

    @Test func aCrashIsNotSentAgain() async throws {
        let stage = try Stage()
        for _ in 0..<2 {
            let exporter = stage.exporter()
            exporter.start { _ in }
            #expect(exporter.queue([(id: "a", hasMinidump: false)], of: "s"))
            await exporter.finish(within: 20_000)
        }
        #expect(stage.server.taken == [stage.id("a"): 1])
    }

    @Test func aRequestThatHangsEndsAndIsTriedAgain() async throws {
        let stage = try Stage([.hang])
        let exporter = stage.exporter(timeout: 300)
        exporter.start { _ in }
        #expect(exporter.queue([(id: "a", hasMinidump: false)], of: "s"))
        try await until("it is sent") { exporter.report?.sent == 1 }
        stage.server.release()
        await exporter.finish(within: 1000)
        #expect(stage.server.taken == [stage.id("a"): 1])
        #expect(stage.said.all.contains { $0.contains("no response within 300 ms") }, "\(stage.said.all)")
    }

    @Test func whatIsTooLargeOrRefusedIsSkippedWithTheServersReason() async throws {
        let stage = try Stage([
            .status(413, text: "too large"), .status(200), .status(413, text: "still too large"),
            .status(400, text: "bad envelope"),
        ])
        let exporter = stage.exporter(Source(minidump: Array("MDMP".utf8), gone: ["pruned"]))
        exporter.start { _ in }
        #expect(exporter.queue([(id: "dump", hasMinidump: true)], of: "s"))
        try await until("the first is sent") { exporter.report?.sent == 1 }
        for id in ["big", "bad", "pruned"] { #expect(exporter.queue([(id: id, hasMinidump: false)], of: "s")) }
        try await until("all ended") { exporter.report?.skipped == 3 }
        await exporter.finish(within: 1000)
        let entries = try stage.entries()
        func reason(_ crash: String) -> String? { entries.first { $0.crash == crash }?.reason }
        #expect(reason("dump") == "HTTP 413: too large" && entries.first?.minidump == false)
        #expect(reason("big") == "HTTP 413: still too large" && reason("bad") == "HTTP 400: bad envelope")
        #expect(reason("pruned") == "it was pruned")
        #expect(entries.map(\.state) == [.sent, .skipped, .skipped, .skipped])
    }

    @Test func aRefusedKeyPausesUntilItIsReplaced() async throws {
        let stage = try Stage([.status(403, text: "invalid key \(EnvelopeServer.key)")])
        let exporter = stage.exporter()
        exporter.start { _ in }
        #expect(exporter.queue([(id: "a", hasMinidump: false)], of: "s"))
        try await until("it is paused") { exporter.report?.paused != nil }
        await exporter.finish(within: 1000)
        let report = try #require(try CrashExportReport.read(store: stage.folder.path, now: 0))
        #expect(report.waiting == 1 && report.paused?.contains("HTTP 403: invalid key [redacted]") == true)
        #expect(try stage.entries().map(\.state) == [.waiting])
        let next = stage.exporter()
        next.start { _ in }
        await next.finish(within: 20_000)
        #expect(stage.server.taken == [stage.id("a"): 1] && next.report?.paused == nil)
    }

    @Test(arguments: [
        ("https://key@host", 0o600, "has no project"),
        ("http://\(EnvelopeServer.key)@127.0.0.1:1/77", 0o644, "cannot be used"),
        ("", 0o600, "is empty"),
    ])
    func aDSNThatCannotBeUsedPauses(_ dsn: String, _ mode: Int, _ words: String) async throws {
        let stage = try Stage()
        try stage.write(dsn, mode: mode)
        let exporter = stage.exporter()
        exporter.start { _ in }
        #expect(exporter.queue([(id: "a", hasMinidump: false)], of: "s"))
        try await until("it is paused") { exporter.report?.paused != nil }
        await exporter.finish(within: 1000)
        #expect(exporter.report?.paused?.contains(words) == true, "\(exporter.report?.paused ?? "")")
        #expect(!stage.said.all.joined().contains(EnvelopeServer.key) && stage.server.requests == 0)
    }

    /// The first exporter is abandoned as a kill leaves it: in the middle of a try, without another word.
    @Test func whatWasInFlightIsSentByTheNextProcess() async throws {
        let stage = try Stage([.hang])
        let killed = stage.exporter(timeout: 60_000)
        killed.start { _ in }
        killed.willCommit(["s", "unknown"])
        #expect(killed.queue([(id: "a", hasMinidump: false), (id: "b", hasMinidump: false)], of: "s"))
        try await until("the request is there") { stage.server.requests == 1 }
        let resumed = SaidWords()
        let next = stage.exporter()
        next.willCommit(["of this process"])
        next.start { for session in $0 { resumed.add(session) } }
        await next.finish(within: 20_000)
        #expect(Set(stage.server.taken.keys) == [stage.id("a"), stage.id("b")])
        #expect(resumed.all == ["unknown"], "whose crashes may be missing in the queue")
        stage.server.release()
        await killed.finish(within: 100)
    }

    @Test func aTornQueueIsReadAndReported() async throws {
        let stage = try Stage()
        let first = stage.exporter()
        try stage.write("no DSN")
        first.start { _ in }
        #expect(first.queue([(id: "a", hasMinidump: false)], of: "s"))
        await first.finish(within: 0)
        let path = ExportJournal.path(stage.folder.path)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("not JSON\n{\"record\":\"que".utf8))
        try handle.close()
        try stage.write(stage.server.dsn)
        let next = stage.exporter()
        next.start { _ in }
        await next.finish(within: 20_000)
        #expect(stage.server.taken == [stage.id("a"): 1])
        #expect(stage.said.all.contains { $0.contains("1 line cannot be read") && $0.contains("was cut off") })
        #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
    }

    @Test func nothingIsWrittenWithoutAService() async throws {
        let folder = try TestFolder()
        let exporter = CrashExporter(
            store: folder.path, current: CurrentConfiguration(Configuration()), environment: [:], version: "1",
            source: Source()
        ) { _ in }
        exporter.start { _ in }
        exporter.willCommit(["s"])
        #expect(exporter.queue([(id: "a", hasMinidump: false)], of: "s"))
        await exporter.finish(within: 100)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}
