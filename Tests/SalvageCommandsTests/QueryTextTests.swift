import Foundation
import Model
import Pack
import Store
import Terminal
import Testing
import Text

@testable import Catalog
@testable import SalvageCommands

@Suite struct QueryTextTests {
    /// bash itself parses the quoted text.
    @Test(arguments: [
        "plain-1.2", "", "it's", "a b", "$(reboot)", "`x`", "\u{1B}[2J'\\", "new\nline", "-rf", "ü💥", "*?[", "a\"b",
        "\\x41",
    ])
    func quotedIdsReachTheProgramUnchanged(id: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", "printf %s " + ShellText.quoted(id)]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(String(decoding: data, as: UTF8.self) == id)
    }

    @Test func everyFlagHasAName() {
        #expect(MemberFlags([]).names.isEmpty)
        #expect(MemberFlags([.truncated, .unsafePath]).names == ["truncated", "unsafe_path"])
        #expect(MemberFlags(rawValue: 1 << 31).names == ["bit_31"])
        #expect(MemberFlags(rawValue: .max).names.count == 32)
    }

    @Test func everyStateIsExplained() {
        let now: Int64 = 1_795_132_800_000
        var sentences: Set<String> = []
        for state in SessionState.allCases {
            var record = SessionRecord(session: "s", state: state)
            record.reason = "because \u{1B}[2J"
            record.deadline = now + 3_600_000
            let text = Escape.display(LedgerSentence.of(record, [], now: now))
            #expect(text.contains("Reason: because \\x1b[2J."))
            #expect(!text.contains("\u{1B}"))
            sentences.insert(text)
        }
        for state in ArtifactState.allCases {
            let entry = ArtifactEntry(
                artifact: "/a", state: state, reason: "r\u{7}", status: 503, identifier: "id\n", tries: 3, bytes: 9,
                verdict: "corrupt", flags: ["trailing_data"])
            let text = Escape.display(
                LedgerSentence.of(
                    ArtifactRecord(session: "s", entry: entry, nextTry: now + 5000), deadline: now - 1000, now: now))
            #expect(text.hasSuffix("Reason: r\\x07. [HTTP 503, identifier id\\n, archive corrupt, trailing_data]"))
            sentences.insert(text)
        }
        func harvested(_ artifacts: (String, ArtifactState)...) -> String {
            LedgerSentence.of(
                SessionRecord(session: "s", state: .harvested),
                artifacts.map { ArtifactRecord(session: "s", entry: ArtifactEntry(artifact: $0.0, state: $0.1)) },
                now: now)
        }
        #expect(harvested(("logs", .collected)) == "Its log was collected; no other artifact was asked for.")
        #expect(harvested(("logs", .collected), ("/a", .collected)) == "Everything that was asked for was collected.")
        #expect(
            harvested(("logs", .collected), ("/a\u{1B}", .absent)) == "Collected what exists; absent: /a\u{1B}.")
        #expect(sentences.count == SessionState.allCases.count + ArtifactState.allCases.count)
    }

    @Test func anUnreadableCrashRecordStillHasItsFacts() throws {
        let row = CrashRow(
            crash: "c", identity: SessionIdentity(id: "s\"", image: "i", location: "fra"), time: 0, kind: "elf_core",
            signal: "SIGSEGV", exception: nil, thread: "T", signature: "sig", signatureQuality: "none", stackHash: nil,
            json: Array("{\"frames\":7}".utf8))
        let crash = StoredCrash(row)
        #expect(crash.record == nil)
        let parsed = try JSONSerialization.jsonObject(with: Data(crash.json))
        let object = try #require(parsed as? [String: Any])
        #expect(object["session"] as? String == "s\"")
        #expect(object["signature"] as? String == "sig")
        #expect(object["time"] as? String == "1970-01-01T00:00:00.000Z")
        #expect(object["tag"] == nil)
        #expect(CrashWords.headline(crash) == "SIGSEGV on thread T")
    }
}
