import Catalog
import Foundation
import Model
import Testing

@Suite struct OpeningTests {
    @Test func makesThePrivateFileAndKeepsWhatWasWritten() throws {
        let store = try TestStore()
        let catalog = try store.open()
        try catalog.commit(contents("alpha"))
        catalog.close()
        let mode = try FileManager.default.attributesOfItem(atPath: store.database)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let again = try store.open(readOnly: true)
        #expect(try again.session("alpha")?.members == 2)
    }

    @Test func writeAheadFilesArePrivateToo() throws {
        let store = try TestStore()
        let catalog = try store.open()
        try catalog.commit(contents("alpha"))
        for suffix in ["-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: store.database + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func readingAnEmptyStoreNamesTheWayOut() throws {
        let store = try TestStore()
        let error = #expect(throws: CatalogError.self) { try store.open(readOnly: true) }
        #expect(error?.code == .missing)
        #expect(error?.hint?.contains("salvage reindex") == true)
        #expect(!FileManager.default.fileExists(atPath: store.database))
    }

    @Test func aMissingFolderIsNotMade() {
        let error = #expect(throws: CatalogError.self) { try Catalog.open(store: "/nonexistent/salvage") }
        #expect(error?.code == .io)
    }

    @Test func totalsNeedAReadableCatalog() throws {
        let store = try TestStore()
        #expect(Catalog.packTotals(store: store.path) == nil)
        #expect(Catalog.packTotals(store: "/nonexistent/salvage") == nil)
        try Data(repeating: 0x41, count: 5000).write(to: URL(fileURLWithPath: store.database))
        #expect(Catalog.packTotals(store: store.path) == nil)
        try FileManager.default.removeItem(atPath: store.database)
        try store.open().commit(contents("alpha"))
        #expect(Catalog.packTotals(store: store.path)?.packs == 1)
    }

    @Test func garbageIsReportedWithTheWayOut() throws {
        let store = try TestStore()
        try Data(repeating: 0x5A, count: 8192).write(to: URL(fileURLWithPath: store.database))
        for readOnly in [true, false] {
            let error = #expect(throws: CatalogError.self) { try store.open(readOnly: readOnly) }
            #expect(error?.code == .corrupt)
            #expect(error?.hint?.contains("reindex") == true)
        }
    }

    /// Damage behind the first page shows when the page is read, not when the file is opened.
    @Test func damagedPagesNeverTrap() throws {
        let store = try TestStore()
        let catalog = try store.open()
        for number in 0..<200 {
            try catalog.commit(contents("session-\(number)", crashes: [crashJSON(signature: "a")]))
        }
        try catalog.checkpoint()
        catalog.close()
        let intact = try Data(contentsOf: URL(fileURLWithPath: store.database))
        var codes: [CatalogError.Code] = []
        for page in 1..<(intact.count / 4096) {
            var damaged = intact
            for offset in 0..<512 { damaged[page * 4096 + offset] = UInt8(truncatingIfNeeded: offset &* 37 &+ page) }
            try damaged.write(to: URL(fileURLWithPath: store.database))
            do {
                let catalog = try store.open(readOnly: true)
                _ = try catalog.sessions()
                _ = try catalog.members("session-7")
                _ = try catalog.crashes()
                _ = try catalog.topSignatures()
                _ = try catalog.artifacts("session-9")
            } catch let error as CatalogError { codes.append(error.code) }
        }
        #expect(codes.contains(.corrupt))
        #expect(codes.allSatisfy { $0 == .corrupt || $0 == .database })
    }

    @Test func aNewerLayoutIsRefused() throws {
        let store = try TestStore()
        try store.open().close()
        try patch(store, offset: 60, with: [0, 0, 0, 99])
        for readOnly in [true, false] {
            let error = #expect(throws: CatalogError.self) { try store.open(readOnly: readOnly) }
            #expect(error?.code == .newer)
        }
    }

    @Test func anotherProgramsDatabaseIsLeftAlone() throws {
        let store = try TestStore()
        try store.open().close()
        try patch(store, offset: 60, with: [0, 0, 0, 0])
        try patch(store, offset: 68, with: [0x11, 0x22, 0x33, 0x44])
        let before = try Data(contentsOf: URL(fileURLWithPath: store.database))
        let error = #expect(throws: CatalogError.self) { try store.open() }
        #expect(error?.code == .foreign)
        #expect(try Data(contentsOf: URL(fileURLWithPath: store.database)) == before)
    }

    /// Offsets in the SQLite header: 60 user_version, 68 application_id.
    private func patch(_ store: TestStore, offset: Int, with bytes: [UInt8]) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: store.database))
        data.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        try data.write(to: URL(fileURLWithPath: store.database))
    }
}
