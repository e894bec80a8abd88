import Catalog
import Foundation
import Testing

/// An engine that the catalog's tests run against.
protocol CatalogEngineUnderTest: Sendable {
    /// Its name, for failures.
    var name: String { get }
    /// Whether text may contain a NUL; otherwise such a value is refused with an error.
    var storesNUL: Bool { get }
    /// Opens the catalog of a store, creating it for writing.
    func open(store: String, readOnly: Bool) throws -> Catalog
    /// Deletes the catalog of a store.
    func forget(store: String) throws
    /// Deletes what a store has outside its folder.
    func remove(store: String)
}

extension CatalogEngineUnderTest {
    /// A control character that texts may contain: NUL where possible.
    var control: String { storesNUL ? "\0" : "\u{1}" }

    func remove(store: String) {}
}

/// The engines, and the one that a test runs against now.
enum CatalogEngines {
    static let all: [any CatalogEngineUnderTest] = {
        if let postgres = PostgresUnderTest.fromEnvironment { return [SQLiteUnderTest(), postgres] }
        print("PostgreSQL is left out of the catalog's tests: \(PostgresUnderTest.variable) is not set")
        return [SQLiteUnderTest()]
    }()
    @TaskLocal static var current: any CatalogEngineUnderTest = SQLiteUnderTest()
}

/// SQLite in a file of the store.
struct SQLiteUnderTest: CatalogEngineUnderTest {
    let name = "SQLite"
    let storesNUL = true

    func open(store: String, readOnly: Bool) throws -> Catalog { try Catalog.open(store: store, readOnly: readOnly) }

    func forget(store: String) throws {
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: "\(store)/\(Catalog.fileName)\(suffix)")
        }
    }
}

/// Runs each test of a suite once for every engine.
struct EveryEngine: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        for engine in CatalogEngines.all {
            try await CatalogEngines.$current.withValue(engine) { try await function() }
        }
    }
}

extension Trait where Self == EveryEngine {
    /// Runs each test of the suite once for every engine.
    static var everyEngine: Self { EveryEngine() }
}
