import Foundation
import Testing

@testable import CrashExport

@Suite struct FolderExportLedgerTests {
    private func entry(
        _ crash: String, _ session: String = "s", _ state: ExportEntry.State = .sent
    ) -> ExportEntry {
        ExportEntry(crash: crash, session: session, state: state, time: 5, event: "e", minidump: true, reason: "r\n\"")
    }

    @Test func whatWasAddedIsReadBySession() throws {
        let folder = try TestFolder()
        let ledger = FolderExportLedger(store: folder.path)
        #expect(try ledger.entries(of: "s").isEmpty)
        for session in ["s", "s2", "\"s", "ä", "a\u{308}"] { try ledger.append(entry("c-\(session)", session)) }
        for session in ["s", "s2", "\"s", "ä", "a\u{308}"] {
            #expect(try ledger.entries(of: session) == [entry("c-\(session)", session)])
        }
    }

    @Test func theLatestEntryOfACrashCounts() throws {
        let folder = try TestFolder()
        let ledger = FolderExportLedger(store: folder.path)
        try ledger.append(entry("a"))
        try ledger.append(entry("b"))
        try ledger.append(entry("a", "s", .skipped))
        #expect(try ledger.entries(of: "s").map(\.crash) == ["b", "a"])
        #expect(try ledger.entries(of: "s").last?.state == .skipped)
    }

    @Test func aTornLineCostsOnlyItself() throws {
        let folder = try TestFolder()
        let ledger = FolderExportLedger(store: folder.path)
        try ledger.append(entry("a"))
        let handle = try #require(FileHandle(forWritingAtPath: ledger.path("s")))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(entry("torn").line.prefix(30)))
        try handle.close()
        #expect(try ledger.entries(of: "s").map(\.crash) == ["a"])
        try ledger.append(entry("b"))
        #expect(try ledger.entries(of: "s").map(\.crash) == ["a", "b"])
    }

    @Test func aFileThatIsFullLosesItsOlderHalf() throws {
        let folder = try TestFolder()
        let ledger = FolderExportLedger(store: folder.path, mostBytes: 10_000)
        for index in 0..<500 { try ledger.append(entry("c\(index)")) }
        let kept = try ledger.entries(of: "s").map(\.crash)
        #expect(kept.last == "c499" && kept.count > 20 && kept.count < 150, "\(kept.count)")
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: ledger.path("s"))[.size] as? Int)
        #expect(size <= 10_000)
    }

    @Test func whatCannotBeReadIsAnErrorAndNotNothing() throws {
        let folder = try TestFolder()
        let ledger = FolderExportLedger(store: folder.path)
        try FileManager.default.createDirectory(atPath: ledger.path("s"), withIntermediateDirectories: true)
        #expect(throws: ExportError.self) { try ledger.entries(of: "s") }
        #expect(throws: ExportError.self) { try ledger.append(entry("a")) }
    }
}
