import Catalog
import Model
import Testing
import Text

/// A session by its own id or by that of one of its crashes.
@Suite(.everyEngine) struct NameTests {
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        try catalog.commit([
            contents(
                "raid-1", crashes: [crashJSON(signature: "s", id: "ab12"), crashJSON(signature: "s", id: "ab34")]),
            contents("raid-2", crashes: [crashJSON(signature: "s", id: "cd56")]),
            contents("cd", crashes: []), contents("ab-session", crashes: []), contents("e[*]f", crashes: []),
        ])
    }

    @Test func aCrashNamesItsSession() throws {
        #expect(try catalog.session(named: "raid-1").session == "raid-1")
        #expect(try catalog.session(named: "ab34").session == "raid-1")
        #expect(try catalog.session(named: "cd5").session == "raid-2")
        #expect(try catalog.session(named: "cd").session == "cd", "the session's own id comes first")
        #expect(try catalog.session(named: "ab-").session == "ab-session")
        #expect(try catalog.session(named: "ab").session == "ab-session", "the only session comes before crashes")
    }

    @Test func anAmbiguousNameListsBothKinds() throws {
        let several = #expect(throws: CatalogError.self) { try catalog.session(named: "raid") }
        #expect(several?.code == .ambiguousSession)
        #expect(several?.message.contains("session raid-1, session raid-2") == true)
        let both = #expect(throws: CatalogError.self) { try catalog.crashes(named: "ab1x") }
        #expect(both?.code == .unknownSession)
        try catalog.commit(contents("abc", crashes: []))
        let mixed = #expect(throws: CatalogError.self) { try catalog.session(named: "ab") }
        #expect(mixed?.message.contains("session ab-session, session abc, crash ab12, crash ab34") == true)
        let crashes = #expect(throws: CatalogError.self) { try catalog.crashes(named: "ab") }
        #expect(crashes?.code == .ambiguousSession, "two crashes and two sessions")
    }

    @Test func anUnknownNameListsWhatContainsIt() throws {
        let near = #expect(throws: CatalogError.self) { try catalog.session(named: "aid-2") }
        #expect(near?.code == .unknownSession && near?.hint == "did you mean session raid-2?")
        let glob = #expect(throws: CatalogError.self) { try catalog.session(named: "[*]") }
        #expect(glob?.hint == "did you mean session e[*]f?", "wildcards in a name are ordinary characters")
        for name in ["", "zz", "%", "'"] {
            let unknown = #expect(throws: CatalogError.self) { try catalog.session(named: name) }
            #expect(unknown?.code == .unknownSession && unknown?.hint?.contains("did you mean") == false)
        }
    }

    @Test func aLongListIsCut() throws {
        try catalog.commit((0..<9).map { contents("many-\($0)", crashes: []) })
        let many = #expect(throws: CatalogError.self) { try catalog.session(named: "many") }
        #expect(many?.message.hasSuffix("session many-4, …") == true, "\(many?.message ?? "")")
    }
}
