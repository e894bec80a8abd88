import Foundation
import Ingest
import Model
import Pack
import Testing

@testable import Ingest

/// Children that misuse standard error and the answer, simulated by shell scripts: the parent does not wait for them, does
/// not give them its terminal, and does not trust them.
@Suite struct ChildStderrTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "salvage-child-\(UUID().uuidString)")

    private func child(_ script: String) throws -> IngestProcess {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent(UUID().uuidString).path
        try writeProgram("#!/bin/sh\n" + script + "\n", to: path)
        return IngestProcess(executable: path)
    }

    private func job(milliseconds: Int64 = 60_000) -> IngestJob {
        var job = IngestJob(
            session: SessionMetadata(session: "s", image: ""), artifacts: [ArtifactEntry(artifact: "/a")],
            inputs: [IngestJob.Input(artifact: 0, form: .archive, name: [])])
        job.limits.unpack.time = milliseconds
        return job
    }

    private func run(_ script: String, milliseconds: Int64 = 60_000) throws -> Result<IngestAnswer, any Error> {
        let process = try child(script)
        defer { try? FileManager.default.removeItem(at: folder) }
        let pack = try MemoryFile(Data())
        let input = open("/dev/null", O_RDONLY)
        defer { close(input) }
        return Result {
            try process.wait(
                job(milliseconds: milliseconds), inputs: [input], previous: nil, pack: pack.descriptor)
        }
    }

    private func error(_ script: String, milliseconds: Int64 = 60_000) throws -> IngestError {
        switch try run(script, milliseconds: milliseconds) {
        case .success(let answer): throw IngestError(.died, "no error: \(answer)")
        case .failure(let error): return try #require(error as? IngestError)
        }
    }

    @Test(.timeLimit(.minutes(5))) func moreThanAPipeHoldsIsHeardAndBounded() throws {
        let error = try error(
            "head -c 3000000 /dev/zero | tr '\\0' x >&2; printf '\\033[31mlast\\007 words\\n' >&2; exit 3")
        #expect(error.code == .noAnswer)
        #expect(error.message.contains("exited with code 3"), "\(error.message)")
        #expect(error.message.hasSuffix(".[31mlast. words"), "\(error.message)")
        #expect(error.message.utf8.count < 700)
        #expect(error.message.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    }

    @Test(.timeLimit(.minutes(5))) func aChildThatTalksWithoutEndIsStopped() throws {
        let error = try error("while :; do echo babble >&2; done", milliseconds: 500)
        #expect(error.code == .timedOut)
        #expect(
            error.message.contains("made no progress for 500 ms") && error.message.contains("babble"),
            "\(error.message)")
        #expect(error.message.utf8.count < 700)
    }

    @Test(.timeLimit(.minutes(5))) func aChildThatClosesItsStandardErrorIsStillWaitedFor() throws {
        let error = try error("exec 2>&-; sleep 1; kill -SEGV $$")
        #expect(error.code == .died && error.message.hasSuffix("Segmentation fault"), "\(error.message)")
        #expect(try self.error("exec 2>&-; exec sleep 600", milliseconds: 300).code == .timedOut)
    }

    @Test func itHoldsNoneOfTheCallersStreams() throws {
        // One line for each standard stream: in memory, in memory, a pipe.
        let error = try error("(for n in 0 1 2; do readlink /proc/$$/fd/$n; done) >&2; exit 1")
        let words = error.message.components(separatedBy: "it said: ").last ?? ""
        let memory = #"/memfd:\S+ \(deleted\) \| "#
        #expect(words.contains(try Regex("^\(memory)\(memory)pipe:\\[\\d+\\]$")), "\(error.message)")
    }

    @Test func anAnswerIsAsLongAsItMayBeAndTheQuestionCannotBeChanged() throws {
        let error = try error(
            """
            head -c 100000000 /dev/zero >&1 2>/dev/null && echo grew >&2
            echo x 1<>/proc/self/fd/0 >/proc/self/fd/0 2>/dev/null && echo changed >&2
            exit 1
            """)
        #expect(error.code == .noAnswer)
        #expect(!error.message.contains("grew") && !error.message.contains("changed"), "\(error.message)")
    }

    private func answering(_ change: (inout IngestAnswer) -> Void) throws -> Result<IngestAnswer, any Error> {
        var answer = IngestAnswer()
        answer.verdicts = [ArtifactVerdict(artifact: 0, verdict: "ok", flags: [], entries: 1, bytes: 1)]
        change(&answer)
        let text = String(decoding: try JSONEncoder().encode(answer), as: UTF8.self)
        return try run("cat >&1 <<'END'\n\(text)\nEND")
    }

    @Test func anAnswerThatNoHonestChildGivesIsNotBelieved() throws {
        #expect(try answering { _ in }.get().verdicts.count == 1)
        let lies: [(String, (inout IngestAnswer) -> Void)] = [
            ("verdicts on other downloads", { $0.verdicts[0].artifact = 7 }),
            ("verdicts on other downloads", { $0.verdicts[0].artifact = -1 }),
            ("verdicts on other downloads", { $0.verdicts = [] }),
            ("verdicts on other downloads", { $0.verdicts += $0.verdicts }),
            ("an unknown verdict", { $0.verdicts[0].verdict = "\u{1B}[2J" }),
            ("a negative number", { $0.members = -1 }),
            ("a negative number", { $0.crashes = .min }),
            ("an unknown error code", { $0.errorCode = "whatever" }),
        ]
        for (words, change) in lies {
            do {
                let answer = try answering(change).get()
                Issue.record("believed: \(answer)")
            } catch let error as IngestError {
                #expect(error.code == .died && error.message.contains(words), "\(error.message)")
            }
        }
        let long = try answering { answer in
            answer.verdicts[0].firstError = String(repeating: "\u{1B}", count: 100_000)
            answer.verdicts[0].flags = Array(repeating: "a\nb", count: 1000)
        }.get()
        let verdict = try #require(long.verdicts.first)
        #expect(verdict.firstError?.unicodeScalars.count ?? 0 < 5000 && verdict.firstError?.contains("\u{1B}") == false)
        #expect(verdict.flags.count <= 64 && verdict.flags.allSatisfy { $0 == "a.b" })
    }
}
