import Foundation
import Model
import Pack
import Terminal
import Testing

@testable import Catalog
@testable import SalvageCommands

@Suite struct QueryTextTests {
    /// bash is the judge of what it reads.
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

    @Test func base64IsFoundations() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 53 &+ count) }
            #expect(Base64.text(bytes) == Data(bytes).base64EncodedString())
        }
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
            let text = LedgerWords.sentence(record, [], now: now)
            #expect(text.contains("Reason: because \\x1b[2J."))
            #expect(!text.contains("\u{1B}"))
            sentences.insert(text)
        }
        for state in ArtifactState.allCases {
            let entry = ArtifactEntry(
                artifact: "/a", state: state, reason: "r\u{7}", status: 503, identifier: "id\n", tries: 3, bytes: 9,
                verdict: "corrupt", flags: ["trailing_data"])
            let text = LedgerWords.sentence(
                ArtifactRecord(session: "s", entry: entry, nextTry: now + 5000), deadline: now - 1000, now: now)
            #expect(text.hasSuffix("Reason: r\\x07. [HTTP 503, identifier id\\n, archive corrupt, trailing_data]"))
            sentences.insert(text)
        }
        func harvested(_ artifacts: (String, ArtifactState)...) -> String {
            LedgerWords.sentence(
                SessionRecord(session: "s", state: .harvested),
                artifacts.map { ArtifactRecord(session: "s", entry: ArtifactEntry(artifact: $0.0, state: $0.1)) },
                now: now)
        }
        #expect(harvested(("logs", .collected)) == "Its log was collected; no other artifact was asked for.")
        #expect(harvested(("logs", .collected), ("/a", .collected)) == "Everything that was asked for was collected.")
        #expect(
            harvested(("logs", .collected), ("/a\u{1B}", .absent)) == "Collected what exists; absent: /a\\x1b.")
        #expect(sentences.count == SessionState.allCases.count + ArtifactState.allCases.count)
    }

    @Test func anUnreadableCrashRecordStillHasItsFacts() throws {
        let row = CrashRow(
            crash: "c", session: "s\"", image: "i", tag: nil, location: "fra", time: 0, kind: "elf_core",
            signal: "SIGSEGV",
            exception: nil, thread: "T", signature: "sig", signatureQuality: "none", stackHash: nil,
            json: Array("{\"frames\":7}".utf8))
        let view = CrashView(row)
        #expect(view.record == nil)
        let parsed = try JSONSerialization.jsonObject(with: Data(view.json()))
        let object = try #require(parsed as? [String: Any])
        #expect(object["session"] as? String == "s\"")
        #expect(object["signature"] as? String == "sig")
        #expect(object["time"] as? String == "1970-01-01T00:00:00.000Z")
        #expect(object["tag"] == nil)
        #expect(view.headline == "SIGSEGV on thread T")
    }
}

/// The end of a log, from a real pack.
@Suite struct LogTailTests {
    private func tail(_ members: [(path: String, artifact: UInt32, text: String)], lines: Int = 3) throws
        -> LogTail.Result
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tail-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let descriptor = try PackFile.create(path: folder + "/x.pack")
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions())
        for (number, member) in members.enumerated() {
            try writer.beginMember(
                MemberHeader(
                    artifact: member.artifact, path: Array(member.path.utf8), kind: .log, mtime: Int64(100 - number)))
            let bytes = Array(member.text.utf8)
            _ = try bytes.withUnsafeBytes { try writer.append($0) }
            _ = try writer.endMember()
        }
        let artifacts = [
            ArtifactEntry(artifact: "/data", state: .collected), ArtifactEntry(artifact: "logs", state: .collected),
        ]
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: artifacts)
        var record = SessionRecord(session: "s", state: .harvested)
        record.pack = "x.pack"
        return LogTail.read(record, store: folder, lines: lines)
    }

    private func lines(_ result: LogTail.Result) -> [String]? {
        if case .lines(let lines, _) = result { return lines }
        return nil
    }

    @Test func takesTheLastLines() throws {
        #expect(lines(try tail([("a", 0, "1\n2\n3\n4\n")])) == ["2", "3", "4"])
        #expect(lines(try tail([("a", 0, "1\r\n2\r\n3")])) == ["1", "2", "3"])
        #expect(lines(try tail([("a", 0, "\n\n")])) == ["", ""])
        #expect(lines(try tail([("a", 0, "x\u{1B}[31m\n")])) == ["x\\x1b[31m"])
    }

    @Test func prefersWhatTheProcessPrinted() throws {
        #expect(lines(try tail([("game", 0, "game\n"), ("stdout", 1, "printed\n")])) == ["printed"])
        #expect(lines(try tail([("newer", 0, "newer\n"), ("older", 0, "older\n")])) == ["newer"])
    }

    @Test func longLinesAreCutAndLongLogsAreReadAtTheirEnd() throws {
        let long = String(repeating: "y", count: 300_000)
        let cut = try #require(lines(try tail([("a", 0, "first\n" + long + "\nlast\n")])))
        #expect(cut == ["last"])
        let wide = try #require(lines(try tail([("a", 0, String(repeating: "z", count: 1000))])))
        #expect(wide == [String(repeating: "z", count: 200) + "…"])
        let many = (0..<50_000).map { "line \($0)\n" }.joined()
        #expect(lines(try tail([("a", 0, many)])) == ["line 49997", "line 49998", "line 49999"])
    }

    @Test func noLogAndNoPackAreSaid() throws {
        guard case .none = try tail([]) else { return #expect(Bool(false), "there is no log") }
        var record = SessionRecord(session: "s", state: .harvested)
        guard case .none = LogTail.read(record, store: "/nonexistent", lines: 3) else {
            return #expect(Bool(false), "there is no pack")
        }
        record.pack = "gone.pack"
        guard case .unreadable(let reason) = LogTail.read(record, store: "/nonexistent", lines: 3) else {
            return #expect(Bool(false), "the pack is gone")
        }
        #expect(!reason.isEmpty)
    }
}
