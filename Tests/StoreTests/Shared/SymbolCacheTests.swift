import Catalog
import CrashAnalysis
import Digest
import Files
import Foundation
import S3
import Synchronization
import Testing

@testable import Store

/// The local copies of a shared store's symbols.
@Suite struct SymbolCacheTests {
    private let stage: RealStore
    private let bucket: FolderBucket

    init() throws {
        stage = try RealStore()
        bucket = try FolderBucket()
    }

    private func cache(_ limit: UInt64 = 1000) -> SymbolCache {
        SymbolCache(bucket: bucket, local: stage.path, limit: limit)
    }

    /// Stores an object and returns the row for it.
    private func stored(
        _ identity: String, kind: String = "debug", name: String = "", _ bytes: [UInt8]
    ) throws -> SymbolRow {
        var row = SymbolRow(
            identity: identity, kind: kind, name: name, key: "", bytes: UInt64(bytes.count),
            sha256: SHA256.digest(bytes), etag: "", detail: 0, added: 0)
        row.key = try #require(SymbolName(row)).key
        try bucket.set(row.key, bytes)
        return row
    }

    private func bytes(_ count: Int, _ value: UInt8 = 1) -> [UInt8] { [UInt8](repeating: value, count: count) }

    private func path(_ identity: String, debug: Bool = true) -> String {
        stage.path + "/symbols/.build-id/\(identity.prefix(2))/\(identity.dropFirst(2))\(debug ? ".debug" : "")"
    }

    private func downloads() -> Int { bucket.state.withLock { $0.downloads } }

    private func mayHold(_ row: SymbolRow, _ cache: SymbolCache) -> Bool {
        do { return try cache.hold(row) != nil } catch { return false }
    }

    @Test func aFileIsDownloadedOnceAndFoundInTheLayoutOfDebuggers() throws {
        let cases: [(SymbolRow, String)] = [
            (try stored("aabbcc", bytes(10)), path("aabbcc")),
            (try stored("aabbdd", kind: "executable", bytes(11)), path("aabbdd", debug: false)),
            (
                try stored("AABBCCDD0", kind: "breakpad", name: "game.pdb", bytes(12)),
                stage.path + "/symbols/game.pdb/AABBCCDD0/game.sym"
            ),
            (
                try stored("ab12", kind: "executable", name: "server one", bytes(13)),
                stage.path + "/symbols/.by-name/server one/ab12"
            ),
        ]
        for (row, path) in cases {
            let file = try #require(try cache().hold(row))
            #expect(file.path == path)
            #expect(try file.rest(limit: 100).count == Int(row.bytes))
            let before = downloads()
            _ = try cache().hold(row)
            #expect(downloads() == before)
        }
        #expect(
            cases.map(\.0.key) == [
                "symbols/buildid/aabbcc/debuginfo", "symbols/buildid/aabbdd/executable",
                "symbols/breakpad/game.pdb/AABBCCDD0/game.sym", "symbols/byname/server%20one/ab12/executable",
            ])
        #expect(cache().store.survey().entries.count == cases.count)
    }

    @Test func aDamagedCopyIsDownloadedAgain() throws {
        let row = try stored("aabbcc", bytes(10))
        _ = try cache().hold(row)
        for damage in [bytes(10, 2), bytes(9), []] {
            try Replacement.write(damage, to: path("aabbcc"))
            let before = downloads()
            #expect(try #require(try cache().hold(row)).rest(limit: 100) == bytes(10))
            #expect(downloads() == before + 1)
        }
        // A note that was lost or damaged costs a check of the content, not a download.
        let notes = stage.path + "/symbols/.copies"
        for name in try FileManager.default.contentsOfDirectory(atPath: notes) {
            try Replacement.write(Array("{".utf8), to: notes + "/" + name)
        }
        let before = downloads()
        #expect(try cache().hold(row) != nil)
        #expect(downloads() == before)
    }

    @Test func whatArrivesIsCheckedAndNeverKeptIfItDiffers() throws {
        let row = try stored("aabbcc", bytes(10))
        for wrong in [bytes(10, 2), bytes(9), bytes(11)] {
            try bucket.set(row.key, wrong)
            #expect(throws: SymbolFault.self) { try cache().hold(row) }
            #expect(!FileManager.default.fileExists(atPath: path("aabbcc")))
        }
        unlink(bucket.path + "/" + row.key)
        let fault = try #require(throws: SymbolFault.self) { try cache().hold(row) }
        #expect(fault.reason.contains("no longer") && !fault.endsDownloads)
        bucket.state.withLock { $0.failure = S3Error(.unavailable, "the bucket cannot be reached") }
        let second = try #require(throws: SymbolFault.self) { try cache().hold(row) }
        #expect(second.endsDownloads && second.reason == "the bucket cannot be reached")
        #expect(try cache().hold(row, downloads: false) == nil)
        #expect(cache().store.survey().entries.isEmpty)
    }

    @Test func theOldestUnusedCopiesMakeRoom() throws {
        let rows = try (0..<4).map { try stored("aa0\($0)", bytes(300, UInt8($0))) }
        let cache = cache(1000)
        for row in rows[..<3] {
            _ = try cache.hold(row)
            usleep(20_000)
        }
        // Used again: the second is now the oldest.
        _ = try cache.hold(rows[0])
        #expect(mayHold(rows[3], cache))
        let there = rows.map { FileManager.default.fileExists(atPath: path($0.identity)) }
        #expect(there == [true, false, true, true])
    }

    @Test func copiesInUseStayAndSayThatThereIsNoRoom() throws {
        let rows = try (0..<4).map { try stored("aa0\($0)", bytes(300, UInt8($0))) }
        let cache = cache(1000)
        var held = try rows[..<3].map { try cache.hold($0) }
        // As another process would.
        let fault = try #require(throws: SymbolFault.self) { try self.cache(1000).hold(rows[3]) }
        #expect(fault.reason.contains("in use"))
        for row in rows[..<3] { #expect(FileManager.default.fileExists(atPath: path(row.identity))) }
        held.removeFirst()
        #expect(mayHold(rows[3], self.cache(1000)))
        #expect(!FileManager.default.fileExists(atPath: path(rows[0].identity)))
        let large = try stored("aa09", bytes(1001))
        #expect(try #require(throws: SymbolFault.self) { try cache.hold(large) }.reason.contains("exceed"))
        withExtendedLifetime(held) {}
    }

    @Test func severalAtOnceDownloadOnce() throws {
        let row = try stored("aabbcc", bytes(100_000))
        let bucket = bucket
        let local = stage.path
        let sizes = try onThreads(8) { _ in
            // Locks belong to open files: a second object is as good as a second process.
            let cache = SymbolCache(bucket: bucket, local: local, limit: 1_000_000)
            return try cache.hold(row)?.rest(limit: 1_000_000).count
        }
        #expect(sizes == [Int?](repeating: 100_000, count: 8))
        #expect(downloads() == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: local + "/symbols/.incoming").isEmpty)
    }

    @Test func severalAtOnceEvictAndDownloadAndNeverReadAWrongByte() throws {
        let rows = try (0..<6).map { try stored("aa0\($0)", bytes(1000, UInt8($0))) }
        let bucket = bucket
        let local = stage.path
        let wrong = try onThreads(4) { thread in
            let cache = SymbolCache(bucket: bucket, local: local, limit: 3000)
            var wrong = 0
            for round in 0..<60 {
                let row = rows[(round * 7 + thread * 3) % rows.count]
                // Without room the fault says so.
                guard let file = try? cache.hold(row) else { continue }
                let content = try file.rest(limit: 2000)
                if SHA256.digest(content) != row.sha256 { wrong += 1 }
            }
            return wrong
        }
        #expect(wrong == [0, 0, 0, 0])
        // What they left is counted, whoever wrote it last.
        let cache = cache(3000)
        _ = try cache.hold(try stored("aa99", bytes(1000)))
        #expect(cache.store.survey().entries.reduce(0) { $0 + $1.size } <= 3000)
    }

    @Test func whatAKilledDownloadLeftIsRemoved() throws {
        let left = stage.path + "/symbols/.incoming/0123"
        try Folders.make(stage.path + "/symbols/.incoming")
        try Replacement.write(bytes(500), to: left)
        _ = try cache().hold(try stored("aabbcc", bytes(10)))
        #expect(!FileManager.default.fileExists(atPath: left))
    }

    @Test func theTwinOfAFileIsNotDownloaded() throws {
        let program = try stored("aabbcc", kind: "executable", bytes(10))
        let debug = try stored("aabbcc", bytes(10))
        _ = try cache().hold(program)
        #expect(try #require(try cache().hold(debug)).rest(limit: 100) == bytes(10))
        #expect(downloads() == 1)
    }

    @Test func namesThatLeadOutOfTheFolderAreRefused() throws {
        for (identity, kind, name) in [
            ("../../../etc/x", "debug", ""), ("aabbcc", "breakpad", ".."), ("..", "executable", "game"),
            ("aabbcc", "wasm", ""), ("aabbccdd", "executable", "../../game"),
        ] {
            var row = SymbolRow(
                identity: identity, kind: kind, name: name, key: "k", bytes: 1, sha256: SHA256.digest([1]), etag: "",
                detail: 0, added: 0)
            row.key = SymbolName(row)?.key ?? "k"
            #expect(throws: SymbolFault.self, "\(row)") { try cache().hold(row) }
        }
        #expect(bucket.state.withLock { $0.heads } == 0)
    }
}
