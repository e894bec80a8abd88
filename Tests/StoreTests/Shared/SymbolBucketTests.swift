import Catalog
import CrashAnalysis
import Digest
import Files
import Foundation
import S3
import Testing

@testable import Store

/// Symbols in a real bucket.
@Suite(.enabled(if: SharedStage.server != nil && BucketStage.endpoint != nil, BucketStage.why))
struct SymbolBucketTests {
    private let stage: SharedStage
    private let bucket: BucketStage
    private let files: TemporaryFolder
    private static let identity = "ffeeddccbbaa99887766554433221100ffeeddcc"
    private static let finder = "/usr/bin/debuginfod-find"

    init() throws {
        stage = try SharedStage()
        bucket = try BucketStage()
        files = try TemporaryFolder("salvage-symbols")
    }

    private func cache(_ machine: String) -> SymbolCache {
        SymbolCache(bucket: bucket.client, local: stage.local + "/" + machine, limit: 1 << 30)
    }

    private func add(_ path: String, _ machine: String) throws -> SymbolStore.Addition {
        try SymbolUploads(catalog: stage.catalog(), cache: cache(machine)).add([path]) { _ in }
    }

    private func program(_ name: String, _ flags: [String]) throws -> String {
        let source = files.path + "/main.c"
        try Replacement.write(Array("int main(void) { return 0; }\n".utf8), to: source)
        let path = files.path + "/" + name
        try SharedStage.run("cc", flags + ["-Wl,--build-id=0x\(Self.identity)", "-o", path, source])
        return path
    }

    private func bytes(_ path: String) throws -> [UInt8] { try OpenFile(path, O_RDONLY).rest(limit: 1 << 24) }

    @Test func whatOneMachineAddsAnotherReads() throws {
        let stripped = try program("stripped", ["-s"])
        let full = try program("full", ["-g"])
        #expect(try add(stripped, "one").added.count == 1)
        #expect(try add(full, "two").added.count == 1)
        #expect(try add(stripped, "one").known == 1)
        let breakpad = files.path + "/game.sym"
        try Replacement.write(
            Array("MODULE Linux x86_64 4C4C44C155553144A14C9F5A8E1F4A8E0 game \u{e9}.so\nFUNC 0 1 0 f\n".utf8),
            to: breakpad)
        #expect(try add(breakpad, "one").added.count == 1)
        let rows = try stage.catalog().symbols()
        #expect(rows.count == 3)
        for row in rows {
            #expect(try bucket.client.head(row.key)?.etag == row.etag)
            let copy = try #require(try cache("three").hold(row)).rest(limit: 1 << 24)
            #expect(SHA256.digest(copy) == row.sha256)
            #expect(try copy == bytes(row.kind == "breakpad" ? breakpad : full))
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: finder), "debuginfod-find is not installed"))
    func debuggersFindThePublicSymbols() throws {
        let full = try program("full", ["-g"])
        _ = try add(full, "one")
        try bucket.publishSymbols()
        for part in ["debuginfo", "executable"] {
            let cache = files.path + "/found-" + part
            try SharedStage.run(
                "env",
                [
                    "DEBUGINFOD_URLS=\(bucket.url)/store/symbols", "DEBUGINFOD_CACHE_PATH=\(cache)", Self.finder, part,
                    Self.identity,
                ])
            #expect(try bytes("\(cache)/\(Self.identity)/\(part)") == bytes(full))
        }
    }
}
