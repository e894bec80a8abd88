import Catalog
import Foundation
import Model
import Pack
import Testing

/// What several connections see of each other, and queries at scale.
@Suite(.everyEngine) struct DurabilityTests {
    static func pack(_ number: Int) -> PackContents {
        contents(
            "session-\(number)", crashes: [crashJSON(signature: "boom-\(number % 7)")],
            members: (0..<(20 + number % 50)).map { member("file-\($0)") })
    }

    /// A reader sees a session either with all of its rows or not at all, and never waits for the writer.
    @Test func readersSeeWholeTransactions() async throws {
        let store = try TestStore()
        let writer = try store.open()
        let reader = try store.open(readOnly: true)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await writer.perform { catalog in
                    for number in 0..<150 { try catalog.commit(Self.pack(number)) }
                }
            }
            group.addTask {
                var last = 0
                while last < 150 {
                    let (count, members) = try await reader.perform { catalog in
                        let all = try catalog.sessions()
                        for record in all.prefix(3) where catalog.storesMembers {
                            #expect(try catalog.members(record.session).count == record.members)
                        }
                        return (all.count, try catalog.status())
                    }
                    #expect(count >= last)
                    #expect(members.crashes == members.packs)
                    last = count
                }
            }
            try await group.waitForAll()
        }
        #expect(try reader.count() == 150)
    }

    @Test func twoWritersTakeTurns() async throws {
        let store = try TestStore()
        let catalogs = [try store.open(), try store.open()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (writer, catalog) in catalogs.enumerated() {
                group.addTask {
                    try await catalog.perform { catalog in
                        for number in 0..<60 {
                            try catalog.record(
                                LedgerBatch(requests: [
                                    RequestRecord(
                                        session: "shared", at: Int64(number), endpoint: "artifacts",
                                        outcome: "writer \(writer)")
                                ]))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try catalogs[0].requests("shared").count == 120)
    }

    /// Queries over 10,000 sessions and 100,000 crashes give the same as counting by hand.
    @Test func answersStayRightAtScale() throws {
        let store = try TestStore()
        let catalog = try store.open()
        for chunk in 0..<20 {
            try catalog.commit(
                (0..<500).map { index in
                    let number = chunk * 500 + index
                    return contents(
                        "session-\(number)", tag: "1.\(number % 13)", location: ["fra", "nyc", "sin"][number % 3],
                        exited: moment(0) + Int64(number) * 10_000,
                        crashes: (0..<10).map { crashJSON(signature: "bug-\((number + $0 * $0) % 97)") }, members: [])
                })
        }
        var expected: [String: Int] = [:]
        for number in 0..<10_000 {
            for crash in 0..<10 { expected["bug-\((number + crash * crash) % 97)", default: 0] += 1 }
        }
        let top = try catalog.topSignatures()
        #expect(Dictionary(uniqueKeysWithValues: top.map { ($0.signature, $0.count) }) == expected)
        #expect(top.map(\.count) == top.map(\.count).sorted(by: >))
        #expect(try catalog.topSignatures(Selection(tags: ["1.3"])).reduce(0) { $0 + $1.count } == 7690)
        #expect(try catalog.sessions(Selection(tags: ["1.3"], locations: ["fra"])).count == 257)
        #expect(try catalog.crashes(Selection(limit: 5)).allSatisfy { $0.session == "session-9999" })
        #expect(try catalog.resolve("session-9998") == "session-9998")
    }
}
