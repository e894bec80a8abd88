import Catalog
import CrashAnalysis
import Digest
import Files
import Foundation
import Model
import S3
import Synchronization
import Testing

@testable import Store

/// Symbols of a shared store: what is in its catalog, its bucket and the local copies after files were added.
@Suite(.enabled(if: SharedStage.server != nil, SharedStage.why)) struct SymbolUploadTests {
    private let stage: SharedStage
    private let bucket: FolderBucket
    private let files: TemporaryFolder
    private static let identity = "00112233445566778899aabbccddeeff00112233"

    init() throws {
        stage = try SharedStage()
        bucket = try FolderBucket()
        files = try TemporaryFolder("salvage-uploads")
    }

    private func cache(_ machine: String = "one") -> SymbolCache {
        SymbolCache(bucket: bucket, local: stage.local + "/" + machine, limit: 1 << 30)
    }

    /// A program with debug information, or without any symbols, of one build.
    private func program(stripped: Bool = false) throws -> String {
        let source = files.path + "/main.c"
        let path = files.path + (stripped ? "/stripped" : "/full")
        try Replacement.write(Array("int main(void) { return 0; }\n".utf8), to: source)
        try SharedStage.run(
            "cc", ["-g", stripped ? "-s" : "-O0", "-Wl,--build-id=0x\(Self.identity)", "-o", path, source])
        return path
    }

    private func add(_ paths: [String], _ machine: String = "one") throws -> SymbolStore.Addition {
        try SymbolUploads(catalog: stage.catalog(), cache: cache(machine)).add(paths) { _ in }
    }

    private func rows() throws -> [SymbolRow] { try stage.catalog().symbols() }

    private func bytes(_ path: String) throws -> [UInt8] { try OpenFile(path, O_RDONLY).rest(limit: 1 << 24) }

    /// That each row describes the object under its key.
    private func expectRowsToDescribeObjects() throws {
        for row in try rows() {
            let content = try #require(bucket.content(row.key))
            #expect(UInt64(content.count) == row.bytes && SHA256.digest(content) == row.sha256)
            #expect(try bucket.head(row.key)?.etag == row.etag)
        }
    }

    private func crash() -> CrashRecord {
        var record = CrashRecord(kind: "elf_core")
        var module = CrashModule(name: "full", base: Address(0), size: 4096)
        // As some tools write it.
        module.buildID = Self.identity.uppercased()
        module.symbols = .missing
        record.modules = [module]
        return record
    }

    @Test func bothFilesOfABuildGetDebuginfodsPaths() throws {
        let full = try program()
        let first = try add([full])
        #expect(first.added.map(\.path) == ["symbols/buildid/\(Self.identity)/executable"])
        #expect(first.known == 0 && first.identities == [Self.identity])
        #expect(try rows().map(\.kind) == ["debug", "executable"])
        for part in ["executable", "debuginfo"] {
            #expect(try bucket.content("symbols/buildid/\(Self.identity)/\(part)") == bytes(full))
        }
        try expectRowsToDescribeObjects()
        // The machine that added it has its copy already; another one downloads it.
        let downloads = bucket.state.withLock { $0.downloads }
        let uploads = bucket.state.withLock { $0.uploads }
        for row in try rows() { #expect(try cache().hold(row) != nil) }
        #expect(bucket.state.withLock { $0.downloads } == downloads)
        #expect(try #require(cache("two").hold(try rows()[0])).rest(limit: 1 << 24) == bytes(full))
        let second = try add([full], "two")
        #expect(second.added.isEmpty && second.known == 1 && second.identities == [Self.identity])
        #expect(bucket.state.withLock { $0.uploads } == uploads)
        // Nothing is left of the files that were being added.
        let left = try FileManager.default.contentsOfDirectory(atPath: stage.local + "/one/symbols")
        #expect(!left.contains { $0.hasPrefix(".adding") })
    }

    @Test func aFileWithMoreSymbolsReplacesOneWithFewerAndNeverTheOtherWay() throws {
        let full = try program()
        let stripped = try program(stripped: true)
        #expect(try add([stripped]).added.count == 1)
        #expect(try cache("two").hold(try rows()[0]) != nil)
        #expect(try add([full]).added.count == 1)
        try expectRowsToDescribeObjects()
        #expect(try rows().map(\.detail) == [2, 2])
        #expect(try #require(cache("two").hold(try rows()[1])).rest(limit: 1 << 24) == bytes(full))
        #expect(try add([stripped], "two").added.isEmpty)
        #expect(try #require(bucket.content(rows()[1].key)) == bytes(full))
    }

    @Test func anObjectThatWasLostIsStoredAgain() throws {
        let full = try program()
        _ = try add([full])
        let key = try rows()[1].key
        #expect(try bucket.delete([key]).isEmpty)
        #expect(throws: SymbolFault.self) { try cache("two").hold(try rows()[1]) }
        #expect(try add([full]).added.count == 1)
        try expectRowsToDescribeObjects()
    }

    @Test func twoMachinesThatStoreOneBuildAtOnceLeaveARowForTheObject() throws {
        let full = try program()
        let stripped = try program(stripped: true)
        let failed = Mutex<String?>(nil)
        let stage = stage
        let bucket = bucket
        bucket.state.withLock { state in
            // Between the object and the row of the first machine.
            state.interlude = {
                do {
                    let cache = SymbolCache(bucket: bucket, local: stage.local + "/two", limit: 1 << 30)
                    _ = try SymbolUploads(catalog: stage.catalog(), cache: cache).add([full]) { _ in }
                } catch {
                    failed.withLock { $0 = "\(error)" }
                }
            }
        }
        _ = try add([stripped])
        #expect(failed.withLock { $0 } == nil)
        try expectRowsToDescribeObjects()
        #expect(try rows().map(\.detail) == [2, 2])
    }

    @Test func crashesGetTheirSymbolsOrANoteThatSaysWhyNot() throws {
        _ = try add([try program()])
        let symbols = SharedSymbols(catalog: try stage.catalog(), cache: cache("two"))
        let named = Self.identity.uppercased()
        #expect(try symbols.present(among: [named, "ffff"]) == [named])
        #expect(try symbols.present(among: ["\u{0}"]).isEmpty)
        // The bucket is away: one request says so for both files.
        bucket.state.withLock { $0.failure = S3Error(.unavailable, "the bucket cannot be reached") }
        let heads = bucket.state.withLock { $0.heads }
        let nothing = symbols.fetch(for: [crash()])
        #expect(nothing.failures.count == 2)
        #expect(bucket.state.withLock { $0.heads } == heads + 1)
        var record = crash()
        nothing.note(on: &record)
        #expect(record.awaitsSymbols && record.modules[0].symbols == .unreadable)
        #expect(record.notes.allSatisfy { $0.contains("the bucket cannot be reached") })
        // A crash that needs none of them is as it was.
        var other = CrashRecord(kind: "elf_core")
        nothing.note(on: &other)
        #expect(other.notes.isEmpty)
        bucket.state.withLock { $0.failure = nil }
        let fetched = symbols.fetch(for: [crash()])
        #expect(fetched.failures.isEmpty)
        #expect(try cache("two").store.has(buildID: Self.identity))
        // The catalog is away.
        try stage.execute("ALTER TABLE symbol RENAME TO elsewhere")
        let unknown = symbols.fetch(for: [crash()])
        #expect(unknown.failures.map(\.identity) == [nil])
        record = crash()
        unknown.note(on: &record)
        #expect(record.awaitsSymbols)
        #expect(throws: CatalogError.self) { try symbols.present(among: [named]) }
        withExtendedLifetime(fetched) {}
    }
}
