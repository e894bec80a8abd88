import Catalog
import Files
import Glibc
import Testing

@testable import Store

/// Pins of both kinds of stores.
@Suite struct PinPlaceTests {
    @Test func filesAreReadByTheNameOfThePack() throws {
        let stage = try RealStore()
        let catalog = try stage.catalog()
        #expect(try !Pins(catalog).holds("a/b"))
        try PinFolder(store: stage.path).add("a/b")
        #expect(try Pins(catalog).holds("a/b"))
        #expect(try !Pins(catalog).holds("a"))
        try PinFolder(store: stage.path).remove("a/b")
        try PinFolder(store: stage.path).remove("a/b")
        #expect(try !Pins(catalog).holds("a/b"))
    }

    @Test func aFolderThatCannotBeReadIsNotAnEmptyOne() throws {
        let stage = try RealStore()
        let catalog = try stage.catalog()
        #expect(symlink("/nowhere/at/all", stage.path + "/pins") == 0)
        #expect(throws: FileFailure.self) { try Pins(catalog) }
    }

    @Test(.enabled(if: SharedStage.server != nil, SharedStage.why)) func rowsAreAllOrNoneAndTheFirstPinStays() throws {
        let stage = try SharedStage()
        let catalog = try stage.catalog()
        try catalog.pin([PinRow(session: "b", at: 1, by: "anna"), PinRow(session: "a", at: 1)])
        try catalog.pin([PinRow(session: "b", at: 2, by: "ben")])
        #expect(
            try stage.catalog().pins() == [PinRow(session: "a", at: 1), PinRow(session: "b", at: 1, by: "anna")])
        #expect(try Pins(catalog).holds("b"))
        // PostgreSQL stores no NUL in text, so no session of a shared store has one.
        #expect(throws: CatalogError.self) {
            try catalog.pin([PinRow(session: "c", at: 3), PinRow(session: "d\u{0}", at: 3)])
        }
        #expect(try !Pins(catalog).holds("c"))
        try catalog.unpin(["b", "nobody"])
        #expect(try !Pins(catalog).holds("b"))
        try stage.execute("ALTER TABLE pins RENAME TO elsewhere")
        #expect(throws: CatalogError.self) { try Pins(catalog) }
    }
}
