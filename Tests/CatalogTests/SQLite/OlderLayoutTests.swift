import Catalog
import Foundation
import Testing

/// Databases of earlier versions.
@Suite struct OlderLayoutTests {
    /// A catalog of layout 4 had no such column.
    @Test func anOlderLayoutIsFilledIn() throws {
        let waiting = try WantedModulesTests()
        let store = waiting.store
        try waiting.catalog.checkpoint()
        waiting.catalog.close()
        try execute(
            """
            DROP INDEX crashes_wanted; ALTER TABLE crashes DROP COLUMN wanted; DROP TABLE wanted;
            DROP TABLE downloads; DROP INDEX sessions_build; DROP INDEX sessions_crashed;
            DROP TABLE sightings; DROP TABLE successors; DROP INDEX sessions_crashed_at; PRAGMA user_version = 4
            """, in: store.database)
        let error = #expect(throws: CatalogError.self) { try store.open(readOnly: true) }
        #expect(error?.hint?.contains("brings it up to date") == true)
        let again = try store.open()
        let found = try again.wantedModules()
        #expect(found.map(\.crashes).reduce(0, +) == 3)
        #expect(Set(found.flatMap(\.modules).map(\.buildID)) == ["aa", "bb", "dd"])
    }
}
