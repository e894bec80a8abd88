import Foundation
import Model
import Pack
import Testing
import Text

@testable import Catalog

/// Sessions that are copied from an embedded catalog to one of each engine, and back.
@Suite(.everyEngine) struct CopiedSessionTests {
    private let store: TestStore
    private let catalog: Catalog

    /// Sessions in every state: with crashes that got another signature, with a history of requests, pruned, running.
    init() throws {
        store = try TestStore()
        catalog = try Catalog.open(store: store.path)
        let tick = crashJSON(signature: "SIGSEGV tick", id: "crash-1")
        try catalog.commit([
            contents("é", labels: ["mode": "duel", "x": ""], crashes: [tick]),
            contents("e\u{301}", tag: nil, location: nil, crashes: [crashJSON(signature: "SIGABRT fire")]),
            contents("zz", image: "lobby"), contents("prune-me", crashes: [crashJSON(signature: "SIGILL old")]),
        ])
        try catalog.commit([contents("é", crashes: [crashJSON(signature: "SIGSEGV tock", id: "crash-1")])])
        var running = SessionUpdate(session: "run", state: .running)
        running.image = "lobby"
        running.created = moment(5)
        let requests = (0..<3).map { number in
            RequestRecord(
                session: "run", at: moment(5, number), artifact: "/data", endpoint: "download", status: 404,
                outcome: "absent")
        }
        try catalog.record(LedgerBatch(sessions: [running], requests: requests))
    }

    private func copyAll(from: Catalog, to: Catalog, batch: Int) throws -> Int {
        var key: Int64?
        var copied = 0
        while true {
            let sessions = try from.copiedSessions(after: key, limit: batch)
            guard let last = sessions.last else { return copied }
            try to.put(sessions)
            copied += sessions.count
            key = last.key
        }
    }

    private func all(_ catalog: Catalog) throws -> [CopiedSession] {
        try catalog.copiedSessions(after: nil, limit: 1000)
    }

    /// Whether both say the same of all sessions, and how many sessions there are.
    private func compare(
        _ one: Catalog, _ other: Catalog, members: Bool = true
    ) throws -> (same: Bool, sessions: Int) {
        let members = members && one.storesMembers && other.storesMembers
        let (left, right) = (try all(one), try all(other))
        let same =
            left.count == right.count
            && zip(left, right).allSatisfy { $0.id.hasSameBytes(as: $1.id) && $0.isSame(as: $1, members: members) }
        return (same, left.count)
    }

    @Test(arguments: [1, 2, 100]) func allRowsArriveAndComeBack(batch: Int) throws {
        let there = try TestStore()
        let other = try there.open()
        #expect(try copyAll(from: catalog, to: other, batch: batch) == 5)
        #expect(try compare(catalog, other) == (true, 5))
        let expected = try catalog.sessions(Selection())
        #expect(try other.sessions(Selection()) == expected)
        #expect(try other.requests("run") == catalog.requests("run"))
        let back = try TestStore()
        let again = try Catalog.open(store: back.path)
        #expect(try copyAll(from: other, to: again, batch: batch) == 5)
        // What came through an engine without members has none.
        #expect(try compare(catalog, again, members: other.storesMembers) == (true, 5))
        #expect(try again.sessions(Selection()) == expected)
    }

    @Test func aChangedSessionReplacesItsCopy() throws {
        let there = try TestStore()
        let other = try there.open()
        _ = try copyAll(from: catalog, to: other, batch: 64)
        try catalog.commit([contents("zz", image: "lobby", labels: ["new": "1"], artifacts: [], members: [])])
        #expect(try compare(catalog, other) == (false, 5))
        _ = try copyAll(from: catalog, to: other, batch: 64)
        #expect(try compare(catalog, other) == (true, 5))
        #expect(try other.session("zz")?.labels["new"] == "1")
    }

    /// The place of the pack is the target's own.
    @Test func thePlaceOfThePackMayDiffer() throws {
        let there = try TestStore()
        let other = try there.open()
        var sessions = try all(catalog)
        for index in sessions.indices where sessions[index].pack != nil {
            sessions[index].pack = "packs/2026/11/20/other.\(index).0000000a.pack"
        }
        try other.put(sessions)
        #expect(try compare(catalog, other) == (true, 5))
        #expect(try other.session("zz")?.pack?.hasSuffix(".0000000a.pack") == true)
    }
}

/// The list of copied columns and the tables that SQLite has.
@Suite struct CopiedTableTests {
    /// A column that is added to a table must be copied, too.
    @Test func everyColumnOfASessionsTablesIsCopied() throws {
        let store = try TestStore()
        let catalog = try Catalog.open(store: store.path)
        let tables = try catalog.driver.read { connection in
            try Dictionary(
                uniqueKeysWithValues: [
                    "sessions", "labels", "artifacts", "requests", "downloads", "crashes", "members",
                ]
                .map { table in
                    let rows = try connection.prepare("SELECT name FROM pragma_table_info('\(table)')")
                    var names: Set<String> = []
                    while try rows.step() { names.insert(rows.text(0)) }
                    return (table, names)
                })
        }
        for table in CopiedTable.children + [CopiedTable.sessions] {
            let own: Set<String> = table.name == "sessions" ? ["key", "id", "pack"] : ["session"]
            let left: Set<String> = table.name == "crashes" ? ["key"] : []
            #expect(tables[table.name] == own.union(left).union(table.columns.map(\.name)), "\(table.name)")
        }
    }
}
