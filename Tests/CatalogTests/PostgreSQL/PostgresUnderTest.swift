import Foundation
import Testing

@testable import Catalog

/// PostgreSQL on the server that a variable of the environment names, in a schema of its own for each store.
struct PostgresUnderTest: CatalogEngineUnderTest {
    /// Names the variable with the address of a server: a libpq URI of a superuser, such as
    /// `postgres://postgres@127.0.0.1:5499/postgres`.
    static let variable = "SALVAGE_TEST_POSTGRES"

    /// The server of the tests; nil without one.
    static let fromEnvironment = ProcessInfo.processInfo.environment[variable].map { PostgresUnderTest(uri: $0) }

    let name = "PostgreSQL"
    let storesNUL = false
    /// The address of the server.
    let uri: String

    func open(store: String, readOnly: Bool) throws -> Catalog {
        if !readOnly { try administrate("CREATE SCHEMA IF NOT EXISTS \(Self.schema(store))") }
        return try Catalog.open(shared: address(store: store), local: store, readOnly: readOnly)
    }

    func forget(store: String) throws { try administrate("DROP SCHEMA IF EXISTS \(Self.schema(store)) CASCADE") }

    func remove(store: String) {
        do { try forget(store: store) } catch { Issue.record("\(error)") }
    }

    /// The address of a store: its schema, and commits that a power cut may lose.
    func address(store: String, user: String? = nil) -> String {
        let options = "options=-csearch_path%3D\(Self.schema(store))%20-csynchronous_commit%3Doff"
        let whole = uri + (uri.contains("?") ? "&" : "?") + options
        return whole + (user.map { "&user=\($0)" } ?? "")
    }

    /// The name of a store's schema.
    static func schema(_ store: String) -> String {
        let name = store.split(separator: "/").last.map(String.init) ?? "store"
        return String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }

    /// Runs statements as the superuser.
    func administrate(_ sql: String) throws {
        let driver = try PostgresDriver(uri: uri, readOnly: false, busyTimeout: 30)
        defer { driver.close() }
        try driver.write { try $0.execute(sql) }
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs a suite only where a PostgreSQL server is given.
    static var withPostgres: Self {
        .enabled(if: PostgresUnderTest.fromEnvironment != nil, "\(PostgresUnderTest.variable) is not set")
    }
}

/// A store on PostgreSQL, with its server.
struct PostgresStore {
    let server: PostgresUnderTest
    let store: TestStore

    init() throws {
        let server = try #require(PostgresUnderTest.fromEnvironment)
        self.server = server
        store = try CatalogEngines.$current.withValue(server) { try TestStore() }
    }

    var address: String { server.address(store: store.path) }

    var schema: String { PostgresUnderTest.schema(store.path) }

    func open(readOnly: Bool = false) throws -> Catalog { try store.open(readOnly: readOnly) }

    /// Closes the connections of a catalog from the server's side, but not the one that asks.
    func cut(_ backend: Int64) throws {
        try server.administrate("DO $$ BEGIN PERFORM pg_terminate_backend(\(backend), 5000); END $$")
    }
}

extension SQLConnection {
    /// The server's process behind the transaction.
    func backend() throws -> Int64 { try #require(try integer("SELECT pg_backend_pid()")) }
}
