import Foundation
import Model
import Testing
import Text

@testable import Catalog

/// Databases that salvage opens, creates, or refuses.
@Suite(.withPostgres) struct PostgresOpeningTests {
    let database: PostgresStore

    init() throws { database = try PostgresStore() }

    private func change(_ sql: String) throws {
        try database.server.administrate("SET LOCAL search_path = \(database.schema); \(sql)")
    }

    private func failure(readOnly: Bool, user: String? = nil) -> CatalogError? {
        let uri = database.server.address(store: database.store.path, user: user)
        return #expect(throws: CatalogError.self) {
            try Catalog.open(shared: uri, local: database.store.path, readOnly: readOnly)
        }
    }

    @Test func readingCreatesNothing() throws {
        #expect(failure(readOnly: true)?.code == .missing)
        // Not even the schema is there.
        #expect(failure(readOnly: false)?.code == .missing)
        try database.server.administrate("CREATE SCHEMA \(database.schema)")
        #expect(failure(readOnly: true)?.code == .missing)
        try database.open().close()
        try database.open(readOnly: true).close()
    }

    @Test func aDatabaseThatIsNotThereIsMissing() throws {
        let address = database.server.uri
        let slash = try #require(address.lastIndex(of: "/"))
        let uri = address[...slash] + "no_such_database"
        let error = #expect(throws: CatalogError.self) {
            try Catalog.open(shared: String(uri), local: database.store.path, readOnly: true)
        }
        #expect(error?.code == .missing, "\(String(describing: error))")
    }

    @Test func anAddressWithoutAServerSaysWhatToCheck() throws {
        let uri = "postgres://someone:hush@127.0.0.1:1/salvage?connect_timeout=2"
        let error = try #require(
            #expect(throws: CatalogError.self) { try Catalog.open(shared: uri, local: "/nonexistent", readOnly: true) })
        #expect(error.code == .io && error.hint?.contains("pg_hba.conf") == true && !"\(error)".contains("hush"))
        #expect(error.path == "postgres://someone@127.0.0.1:1/salvage?connect_timeout=2")
    }

    @Test func severalCreatorsMakeOneCatalog() async throws {
        try database.server.administrate("CREATE SCHEMA \(database.schema)")
        let (address, local) = (database.address, database.store.path)
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 {
                group.addTask { try Catalog.open(shared: address, local: local).sharedFacts().storeID }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1 && ids.first?.count == 36)
        #expect(try database.open().integrityProblems() == [])
    }

    @Test func aLaterLayoutIsUsedAsFarAsItAllows() throws {
        try database.open().commit(contents("a"))
        let own = PostgresSchema.version
        try change("UPDATE meta SET version = \(own + 1)")
        #expect(try database.open().session("a") != nil)
        try change("UPDATE meta SET writable_by = \(own + 1)")
        #expect(failure(readOnly: false)?.code == .newer)
        #expect(try database.open(readOnly: true).session("a") != nil)
        try change("UPDATE meta SET readable_by = \(own + 1)")
        #expect(failure(readOnly: true)?.code == .newer)
    }

    @Test func anEarlierLayoutIsBroughtUpToDateByAWriter() throws {
        try database.open().commit(contents("a"))
        try change("UPDATE meta SET version = version - 1")
        #expect(failure(readOnly: true)?.code == .older)
        guard PostgresSchema.steps.last?.isEmpty == true else { return }
        #expect(try database.open().session("a") != nil)
        #expect(try database.open(readOnly: true).session("a") != nil)
    }

    @Test func anotherProgramsTablesAreForeign() throws {
        try database.server.administrate(
            "CREATE SCHEMA \(database.schema); CREATE TABLE \(database.schema).meta(anything int)")
        for readOnly in [true, false] { #expect(failure(readOnly: readOnly)?.code == .foreign) }
    }

    @Test func aRoleThatMayOnlySelectReadsEverythingAndWritesNothing() throws {
        let catalog = try database.open()
        try catalog.commit(contents("a", labels: ["k": "v"], crashes: [crashJSON(signature: "x")]))
        let role = "reader_\(database.schema)"
        try database.server.administrate(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA \(database.schema) TO \(role);
            GRANT SELECT ON ALL TABLES IN SCHEMA \(database.schema) TO \(role)
            """)
        defer {
            #expect(throws: Never.self) { try database.server.administrate("DROP OWNED BY \(role); DROP ROLE \(role)") }
        }
        let uri = database.server.address(store: database.store.path, user: role)
        let reader = try Catalog.open(shared: uri, local: database.store.path, readOnly: true)
        #expect(try reader.session("a")?.labels == ["k": "v"])
        #expect(try Answers(reader) == Answers(catalog))
        #expect(try reader.sharedFacts().storeID == catalog.sharedFacts().storeID)
        #expect(try reader.integrityProblems() == [])
        let error = #expect(throws: CatalogError.self) {
            try Catalog.open(shared: uri, local: database.store.path).commit(contents("b"))
        }
        #expect(error?.code == .readOnly)
        reader.close()
    }

    @Test func missingTablesAndIndicesAreNamed() throws {
        let catalog = try database.open()
        try change("DROP TABLE aliases; DROP INDEX sessions_at; ALTER TABLE artifacts DROP COLUMN verdict")
        #expect(
            try catalog.integrityProblems() == [
                "the catalog has no table aliases", "table artifacts has no column verdict",
                "the catalog has no index aliases_signature", "the catalog has no index sessions_at",
            ])
    }

    @Test func factsOfTheStoreAreKept() throws {
        let catalog = try database.open()
        #expect(catalog.isShared && !catalog.storesMembers && catalog.store == database.store.path)
        var facts = try catalog.sharedFacts()
        #expect(facts.packs == nil && facts.pathStyle == nil)
        (facts.packs, facts.endpoint, facts.pathStyle) = ("s3://bucket/prefix", "https://s3.studio", true)
        try catalog.setSharedFacts(facts)
        #expect(try database.open(readOnly: true).sharedFacts() == facts)
        let embedded = try TestStore().open()
        #expect(!embedded.isShared && embedded.storesMembers)
        #expect(throws: CatalogError.self) { try embedded.sharedFacts() }
    }

    @Test func aCopyIsRefusedAndPgDumpIsNamed() throws {
        let error = #expect(throws: CatalogError.self) { try database.open().copy(to: database.store.path + "/copy") }
        #expect(error?.hint?.contains("pg_dump") == true)
    }
}
