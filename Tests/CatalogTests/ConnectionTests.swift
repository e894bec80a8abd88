import Catalog
import Model
import Testing

/// Catalogs as connections: closed, nested, read-only, several at once.
@Suite(.everyEngine) struct ConnectionTests {
    @Test func aClosedCatalogRefusesToWork() throws {
        let store = try TestStore()
        let catalog = try store.open()
        try catalog.commit(contents("alpha"))
        catalog.close()
        catalog.close()
        let error = #expect(throws: CatalogError.self) { try catalog.session("alpha") }
        #expect(error?.message == "the catalog is closed")
    }

    /// A transaction in another one neither waits for itself nor changes what the outer one sees.
    @Test func aTransactionInAnotherFails() throws {
        let store = try TestStore()
        let catalog = try store.open()
        try catalog.commit(contents("alpha"))
        var seen: [String] = []
        try catalog.forEachSession(Selection()) { session in
            #expect(throws: CatalogError.self) { try catalog.session("alpha") }
            seen.append(session.session)
            return
        }
        #expect(seen == ["alpha"])
        #expect(try catalog.session("alpha") != nil)
    }

    @Test func readOnlyRefusesToWrite() throws {
        let store = try TestStore()
        try store.open().close()
        let error = #expect(throws: CatalogError.self) { try store.open(readOnly: true).commit(contents("alpha")) }
        #expect(error?.code == .readOnly)
    }

    @Test func twoConnectionsOfOneProcessShareTheCatalog() throws {
        let store = try TestStore()
        let first = try store.open()
        let second = try store.open()
        try first.commit(contents("alpha"))
        try second.commit(contents("beta"))
        #expect(try first.count() == 2)
        #expect(try second.count() == 2)
    }
}
