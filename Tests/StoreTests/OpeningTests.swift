import Catalog
import Model
import Testing

@testable import Store

@Suite struct OpeningTests {
    @Test func aPathIsAStore() throws {
        #expect(try Store("/srv/store").path == "/srv/store")
        #expect(try Store("./storage//").path == "./storage")
        #expect(try Store("/").path == "/")
        #expect(try Store("://odd").path == "://odd")
    }

    @Test(arguments: ["mysql://user:secret@host/name", "s3://bucket/prefix", "postgres://user:sec@ret@host/name"])
    func anAddressThatIsNoneIsRefusedWithoutItsPassword(location: String) throws {
        let error = try #require(throws: StoreError.self) { try Store(location) }
        #expect(error.code == .unsupportedStore)
        #expect(error.kind == .invalid)
        #expect(!error.description.contains("sec"))
        #expect(!error.description.contains("ret"))
    }

    @Test func nothingIsReadBeforeTheFirstQuestion() throws {
        let store = try Store("/nonexistent")
        let error = try #require(throws: CatalogError.self) { try store.session(named: "a") }
        #expect(error.code == .missing)
        #expect(StoreError(error).code.rawValue == "catalog_missing")
    }

    @Test func errorsKeepTheirCodeAndGetAKind() {
        let unknown = CatalogError(code: .unknownSession, message: "no session", path: "/p", session: "x")
        #expect(StoreError(unknown).kind == .notFound)
        #expect(StoreError(unknown).path == nil)
        #expect(StoreError(CatalogError(code: .ambiguousSession, message: "m")).kind == .invalid)
        #expect(StoreError(CatalogError(code: .busy, message: "m", path: "/p")).kind == .tryAgain)
        let damage = StoreError(CatalogError(code: .corrupt, message: "m", path: "/p", hint: "h"))
        #expect(damage.kind == .failed && damage.path == "/p" && damage.hint == "h")
        let any: any Error = CatalogError(code: .busy, message: "m")
        #expect(StoreError(any).code.rawValue == "catalog_busy")
        struct Other: Error {}
        #expect(StoreError(Other()).code == .unexpected)
    }
}
