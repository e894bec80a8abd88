import Catalog
import Foundation
import Model
import Pack
import Testing
import Text

/// Bytes of the database that changed on the disk where SQLite's own check does not notice.
@Suite struct CatalogRotTests {
    private let packs: ReindexTests
    private var store: TestStore { packs.store }

    init() throws { packs = try ReindexTests() }

    /// A store of two real packs, closed.
    private func fill() throws -> [PackContents] {
        let catalog = try store.open()
        var written: [PackContents] = []
        for name in ["alpha", "beta"] {
            let artifacts = [
                ArtifactEntry(
                    artifact: "/data", state: .collected, tries: 1, bytes: 512, lastTry: moment(12), verdict: "ok",
                    flags: ["trailing_data"], sha256: "00ff")
            ]
            let crash = crashJSON(signature: "bug", id: "crash-of-\(name)", time: "2026-11-20T12:00:00.001Z")
            written.append(
                try packs.write(
                    contents(name, labels: ["region": "north"], crashes: [crash], artifacts: artifacts)))
        }
        for pack in written { try catalog.commit(pack) }
        try catalog.checkpoint()
        catalog.close()
        return written
    }

    private func change(_ sql: String) throws { try execute(sql, in: store.database) }

    private func data() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: store.database)) }

    /// A text that the catalog neither has nor takes is an error: a crash without its signature would be lost among others.
    @Test func aTableThatDropsTextsIsDamaged() throws {
        let catalog = try store.open()
        let trigger = "CREATE TEMP TRIGGER drop_texts BEFORE INSERT ON main.signatures BEGIN SELECT RAISE(IGNORE); END"
        try catalog.driver.write { try $0.execute(trigger) }
        let error = #expect(throws: CatalogError.self) {
            try catalog.commit(contents("a", crashes: [crashJSON(signature: "bug")]))
        }
        #expect(error?.code == .corrupt && error?.message.contains("signatures") == true)
        #expect(error?.hint?.contains("salvage reindex") == true)
        #expect(try catalog.session("a") == nil)
    }

    // MARK: Header and schema

    /// Offsets in SQLite's header: 60 user_version, 68 application_id.
    @Test(arguments: [(60, 0x00), (60, 0x80), (62, 1), (63, 3), (63, 7), (63, 9), (63, 0), (68, 1), (71, 9)])
    func aDamagedHeaderIsMendedByReindex(place: (offset: Int, byte: Int)) throws {
        _ = try fill()
        var bytes = try data()
        bytes[place.offset] = UInt8(place.byte)
        let isChanged = try bytes != data()
        try bytes.write(to: URL(fileURLWithPath: store.database))
        if isChanged {
            for readOnly in [true, false] {
                let error = #expect(throws: CatalogError.self) { try store.open(readOnly: readOnly) }
                #expect(error?.hint?.contains("salvage reindex sets the damaged file aside") == true, "\(error as Any)")
            }
            #expect(try data() == bytes)
        }
        let report = try Catalog.reindex(store: store.path, home: store.home)
        #expect(report.indexed == 2 && (report.setAside != nil) == isChanged)
        #expect(try store.open(readOnly: true).session("alpha")?.members == 2)
    }

    @Test(arguments: [
        "image TEXT", "host TEXT", "verdict TEXT", "link_target BLOB", "stack_hash TEXT", "tries INTEGER",
    ])
    func aDamagedColumnNameIsSeenAndMendedByReindex(column: String) throws {
        _ = try fill()
        var bytes = try data()
        // A table that was changed leaves its earlier definition in free space.
        bytes.flipAll(column)
        #expect(try bytes != data())
        try bytes.write(to: URL(fileURLWithPath: store.database))
        do {
            let damaged = try store.open(readOnly: true)
            #expect(try damaged.integrityProblems() != [])
            damaged.close()
        } catch let error as CatalogError {
            // SQLite itself notices if an index needs the column.
            #expect(error.code == .corrupt, "\(error)")
        }
        let report = try Catalog.reindex(store: store.path, home: store.home)
        #expect(report.indexed == 2 && report.setAside != nil)
        #expect(try store.open(readOnly: true).session("beta")?.crashes == 1)
    }

    @Test func aMissingColumnIsDamageNotAnUnknownError() throws {
        _ = try fill()
        try change("ALTER TABLE sessions RENAME COLUMN host TO hosd; ALTER TABLE members RENAME TO nembers")
        let catalog = try store.open(readOnly: true)
        let error = #expect(throws: CatalogError.self) { try catalog.session("alpha") }
        #expect(error?.code == .corrupt)
        #expect(#expect(throws: CatalogError.self) { try catalog.members("alpha") }?.code == .corrupt)
    }

    @Test func aNewerLayoutAndAnotherProgramsDatabaseAreNotSetAside() throws {
        _ = try fill()
        try change("CREATE TABLE later(x); PRAGMA user_version = 99")
        #expect(
            #expect(throws: CatalogError.self) { try Catalog.reindex(store: store.path, home: store.home) }?.code
                == .newer)
        try FileManager.default.removeItem(atPath: store.database)
        try change("CREATE TABLE bookmarks(x); PRAGMA application_id = 7")
        #expect(
            #expect(throws: CatalogError.self) { try Catalog.reindex(store: store.path, home: store.home) }?.code
                == .foreign)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.path).filter { $0.contains("damaged") } == [])
    }

    /// A process that only created the file leaves no catalog, not one of an older layout.
    @Test func anEmptyDatabaseIsNoCatalogYet() throws {
        for empty in ["", "PRAGMA journal_mode = WAL", "VACUUM"] {
            try? FileManager.default.removeItem(atPath: store.database)
            try Data().write(to: URL(fileURLWithPath: store.database))
            if !empty.isEmpty { try change(empty) }
            #expect(#expect(throws: CatalogError.self) { try store.open(readOnly: true) }?.code == .missing, "\(empty)")
            try store.open().close()
            #expect(throws: Never.self) { try store.open(readOnly: true).close() }
        }
    }

    // MARK: Rows

    @Test(arguments: [
        "UPDATE sessions SET tag = '1.0.1'", "UPDATE sessions SET tag = NULL", "UPDATE sessions SET image = 'arenb'",
        "UPDATE sessions SET location = 'frb'", "UPDATE sessions SET host = 'host-0'",
        "UPDATE sessions SET created = created + 65536", "UPDATE sessions SET exited = exited + 1, at = at + 1",
        "UPDATE sessions SET at = at + 4096", "UPDATE sessions SET state = 'harveste'",
        "UPDATE sessions SET source = 'hbrvest'", "UPDATE sessions SET crashes = 3", "UPDATE sessions SET bytes = 7",
        "UPDATE labels SET value = 'sorth'", "UPDATE labels SET key = 'regioo'",
        "UPDATE artifacts SET artifact = '/datb'", "UPDATE artifacts SET sha256 = '01ff'",
        "UPDATE artifacts SET bytes = 513", "UPDATE artifacts SET state = 'bollected'",
        "UPDATE artifacts SET verdict = 'ol'", "UPDATE artifacts SET flags = 'trailing_datb'",
        "UPDATE crashes SET signal = 'SIGSEGW'", "UPDATE crashes SET thread = 'GameThreae'",
        "UPDATE crashes SET stack_hash = 'ab13'", "UPDATE crashes SET survived = 1", "UPDATE crashes SET kind = 'cose'",
        "UPDATE crashes SET time = time + 1, at = at + 1", "UPDATE crashes SET at = at + 1",
        "UPDATE signatures SET text = 'buf' WHERE text = 'bug'", "UPDATE names SET text = 'frb' WHERE text = 'fra'",
        "UPDATE names SET text = '1.0.1' WHERE text = '1.0.0'", "UPDATE names SET text = 'arenb' WHERE text = 'arena'",
        "UPDATE members SET size = size + 1",
    ])
    func everyFactThatThePackHasIsCompared(sql: String) throws {
        let written = try fill()
        let sound = try store.open(readOnly: true)
        for pack in written { #expect(try sound.differences(from: pack) == []) }
        sound.close()
        try change(sql)
        let damaged = try store.open(readOnly: true)
        for pack in written { #expect(try damaged.differences(from: pack) != [], "\(sql)") }
        damaged.close()
        _ = try Catalog.reindex(store: store.path, home: store.home)
        let mended = try store.open(readOnly: true)
        for pack in written { #expect(try mended.differences(from: pack) == [], "\(sql), after a reindex") }
    }

    @Test func whatALaterStepKnowsIsNoDamage() throws {
        let written = try fill()
        let catalog = try store.open()
        // Harvested again with other labels and without new data.
        var update = SessionUpdate(session: "alpha", state: .pending, reason: "again")
        update.labels = ["region": "south"]
        update.tag = "2.0.0"
        let row = ArtifactEntry(artifact: "/data", state: .pending, tries: 2, bytes: 0, lastTry: moment(14))
        try catalog.record(
            LedgerBatch(sessions: [update], artifacts: [ArtifactRecord(session: "alpha", entry: row)]))
        #expect(try catalog.differences(from: written[0]) == [])
        // Signed by other rules, with symbols.
        let renewed = crashJSON(
            signature: "better", id: "crash-of-beta", time: "2026-11-20T12:00:00.001Z", signal: "SIGBUS")
        try catalog.update(crashes: [CrashUpdate(session: "beta", crash: "crash-of-beta", json: renewed)])
        try catalog.record(
            LedgerBatch(sessions: [SessionUpdate(session: "beta", state: .partial, reason: "one artifact was lost")]))
        #expect(try catalog.differences(from: written[1]) == [])
    }
}

extension Data {
    /// Changes the first letter of a text wherever it occurs.
    fileprivate mutating func flipAll(_ text: String) {
        while let place = range(of: Data(text.utf8)) { self[place.lowerBound] ^= 2 }
    }
}
