import Catalog
import Foundation
import Model
import Pack
import Testing

@testable import Ingest

/// The state of an artifact follows from the verdicts on its downloads, in the pack as in the result.
@Suite struct JudgementTests {
    private static func verdict(_ word: ArchiveVerdict, _ entries: UInt64, isCut: Bool = false) -> ArtifactVerdict {
        var verdict = ArtifactVerdict(artifact: 0, verdict: word, flags: [], entries: entries, bytes: 10)
        verdict.isCut = isCut
        return verdict
    }

    private static func judged(_ verdicts: [ArtifactVerdict]) -> ArtifactEntry {
        var row = ArtifactEntry(artifact: "/saved")
        for (index, verdict) in verdicts.enumerated() { row.judge(by: verdict, isFirst: index == 0) }
        return row
    }

    @Test func oneDownload() {
        #expect(Self.judged([Self.verdict("ok", 3)]).state == .collected)
        #expect(Self.judged([Self.verdict("ok", 3)]).reason == nil)
        #expect(Self.judged([Self.verdict("ok", 0)]).state == .absent)
        #expect(Self.judged([Self.verdict("ok", 3, isCut: true)]).state == .incomplete)
        #expect(Self.judged([Self.verdict("ok", 0, isCut: true)]).state == .failed, "a cut archive proves no absence")
        #expect(Self.judged([Self.verdict("incomplete", 2)]).state == .incomplete)
        #expect(Self.judged([Self.verdict("corrupt", 0)]).state == .failed)
        #expect(Self.judged([Self.verdict("not_an_archive", 0)]).state == .failed)
    }

    @Test func theBestOfSeveralDownloadsDecides() {
        let verdicts = [
            Self.verdict("not_an_archive", 0), Self.verdict("ok", 0), Self.verdict("corrupt", 2), Self.verdict("ok", 3),
        ]
        let best: [ArtifactState] = [.failed, .absent, .incomplete, .collected]
        for first in verdicts.indices {
            for second in verdicts.indices {
                let row = Self.judged([verdicts[first], verdicts[second]])
                #expect(row.state == best[max(first, second)])
                #expect(row.verdict == verdicts[max(first, second)].verdict)
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func aCutLogIsIncompleteInThePackToo() throws {
        let stage = try Stage()
        try FileManager.default.createDirectory(atPath: stage.store, withIntermediateDirectories: true)
        let path = stage.folder + "/logs.1.cut"
        try "one line\nhalf a li".write(toFile: path, atomically: false, encoding: .utf8)
        let ingest = StoreIngest(
            store: stage.store, home: stage.home, process: IngestProcess(executable: ConfinementProbeTests.salvage))
        let file = SpooledFile(artifact: SpooledFile.logs, path: path, bytes: 18, complete: false)
        let outcome = try ingest.pack(
            IngestRequest(
                facts: SessionMetadata(session: "s", image: "i"),
                artifacts: [ArtifactEntry(artifact: "/saved"), ArtifactEntry(artifact: SpooledFile.logs)],
                files: [file]))
        #expect(outcome.contents.artifacts.map(\.state) == [.pending, .incomplete])
        #expect(outcome.contents.members.count == 1)
        // A catalog rebuilt from the pack has the same state.
        let reader = try PackReader.open(path: stage.store + "/" + outcome.contents.path)
        #expect(try reader.artifacts().map(\.state) == [.pending, .incomplete])
        #expect(try reader.artifacts().last?.reason == "the download was cut off")
    }
}
