import Catalog
import Foundation
import Pack
import Testing
import Text

/// A database file with damaged pages.
@Suite struct DamagedFileTests {
    private let packs: ReindexTests
    private var store: TestStore { packs.store }

    init() throws { packs = try ReindexTests() }

    @Test func aDamagedDatabaseIsSetAside() throws {
        let catalog = try store.open()
        try packs.fill(catalog)
        let before = try Answers(catalog)
        try catalog.checkpoint()
        catalog.close()
        var data = try Data(contentsOf: URL(fileURLWithPath: store.database))
        for offset in 8192..<min(data.count, 65_536) { data[offset] = 0xA5 }
        try data.write(to: URL(fileURLWithPath: store.database))
        let report = try Catalog.reindex(store: store.path, home: store.home)
        #expect(report.indexed == 150)
        let aside = try #require(report.setAside)
        #expect(FileManager.default.fileExists(atPath: aside))
        #expect(try Answers(store.open()) == before)
    }

    @Test func aDamagedCatalogIsReplacedOnlyAlone() throws {
        let catalog = try store.open()
        try catalog.commit(try packs.write(contents("a")))
        try catalog.checkpoint()
        catalog.close()
        var data = try Data(contentsOf: URL(fileURLWithPath: store.database))
        for offset in 8192..<data.count { data[offset] = 0xA5 }
        try data.write(to: URL(fileURLWithPath: store.database))
        #expect(throws: CatalogError.self) {
            try Catalog.reindex(
                store: store.path, home: store.home,
                alone: { () throws(CatalogError) in throw CatalogError(code: .busy, message: "another", path: "x") })
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: store.database)) == data)
        #expect(try Catalog.reindex(store: store.path, home: store.home).indexed == 1)
    }

    /// SQLite has no checksums: the comparison with the packs finds damage that its own check does not.
    @Test func everyFlippedByteOfARowIsSeenByTheCheckOrTheComparison() throws {
        let catalog = try store.open()
        var written: [PackContents] = []
        for name in ["alpha", "beta"] {
            written.append(
                try packs.write(contents(name, crashes: [crashJSON(signature: "bug", id: "crash-of-\(name)")])))
        }
        for pack in written { try catalog.commit(pack) }
        for pack in written { #expect(try catalog.differences(from: pack) == []) }
        #expect(try catalog.integrityProblems() == [])
        try catalog.checkpoint()
        catalog.close()
        let sound = try Data(contentsOf: URL(fileURLWithPath: store.database))
        for text in ["game.log", "packs/2026/11/20/alpha.pack", "crash-of-beta"] {
            let place = try #require(sound.range(of: Data(text.utf8))).lowerBound
            var data = sound
            data[place + 4] ^= 1
            try data.write(to: URL(fileURLWithPath: store.database))
            let damaged = try store.open(readOnly: true)
            let problems = try damaged.integrityProblems()
            let differences = try written.flatMap { try damaged.differences(from: $0) }
            #expect(!problems.isEmpty || !differences.isEmpty, "\(text)")
            damaged.close()
        }
    }
}
