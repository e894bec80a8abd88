import Catalog
import Model
import Testing

@Suite(.everyEngine) struct InterningTests {
    /// Concurrent writers with the same new names, signatures and modules neither fail nor add one twice.
    @Test func writersWithTheSameTextsAddEachOnce() async throws {
        let store = try TestStore()
        let catalogs = try (0..<4).map { _ in try store.open() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (writer, catalog) in catalogs.enumerated() {
                group.addTask {
                    for number in 0..<25 {
                        try catalog.commit(
                            contents(
                                "\(writer)-\(number)", image: "image-\(number % 5)", tag: "1.\(number)",
                                crashes: [crashJSON(signature: "bug \(number)", id: "\(writer)-\(number)")]))
                    }
                }
            }
            try await group.waitForAll()
        }
        let top = try catalogs[0].topSignatures()
        #expect(top.count == 25 && top.allSatisfy { $0.count == 4 && $0.tags.count == 1 })
        try catalogs[0].driver.read { connection in
            for table in ["names", "signatures", "wanted"] {
                let twice = try connection.integer("SELECT count(*) - count(DISTINCT text) FROM \(table)")
                #expect(twice == 0, "\(table)")
            }
        }
    }

    /// The texts of a commit that fails stay: nothing refers to them, and the next commit finds them.
    @Test func aCommitAfterAFailedOneUsesItsTexts() throws {
        let store = try TestStore()
        let catalog = try store.open()
        try catalog.driver.write { try $0.execute("INSERT INTO signatures(text) VALUES('bug')") }
        try catalog.commit(contents("a", crashes: [crashJSON(signature: "bug")]))
        #expect(try catalog.topSignatures().map(\.signature) == ["bug"])
        #expect(try catalog.driver.read { try $0.integer("SELECT count(*) FROM signatures") } == 1)
    }

    /// A crash's row takes image, tag and location from its session's ledger when the pack lacks them.
    @Test func textsThatOnlyTheLedgerKnowsAreInterned() throws {
        let store = try TestStore()
        let catalog = try store.open()
        var update = SessionUpdate(session: "a", state: .pending)
        (update.image, update.tag, update.location) = ("from-the-ledger", "7", "sin")
        try catalog.record(sessions: [update])
        try catalog.commit(contents("a", image: "", tag: nil, location: nil, crashes: [crashJSON(signature: "bug")]))
        let top = try #require(try catalog.topSignatures().first)
        #expect(top.images == ["from-the-ledger"] && top.tags == ["7"] && top.locations == ["sin"])
        #expect(try catalog.crashes(Selection(images: ["from-*"], tags: ["7"], locations: ["sin"])).count == 1)
    }
}
