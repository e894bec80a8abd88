import Foundation
import Model
import Synchronization
import Testing
import Text

@testable import Catalog

/// Transactions over connections: pipelines, conflicts, and connections that are lost.
@Suite(.withPostgres) struct PostgresDriverTests {
    let database: PostgresStore
    let catalog: Catalog
    private var driver: any SQLDriver { catalog.driver }

    init() throws {
        database = try PostgresStore()
        catalog = try database.open()
    }

    private func names() throws -> [String] {
        try driver.read { connection in
            let rows = try connection.prepare("SELECT text FROM names ORDER BY text")
            var found: [String] = []
            while try rows.step() { found.append(rows.text(0)) }
            return found
        }
    }

    private func add(_ text: String, _ connection: any SQLConnection) throws {
        try connection.prepare("INSERT INTO names(text) VALUES(?1)").bind(1, text).run()
    }

    // MARK: Pipelines

    @Test func aQueuedErrorShowsWithTheNextAnswerAndRollsBack() throws {
        let error = #expect(throws: CatalogError.self) {
            try driver.write { connection in
                try add("a", connection)
                try connection.execute("INSERT INTO sessions(id, state) VALUES('s', NULL)")
                try add("b", connection)
                _ = try connection.integer("SELECT 1")
                Issue.record("the answer came after an error")
            }
        }
        #expect(error?.message.contains("23502") == true && error?.message.contains("INSERT INTO sessions") == true)
        #expect(try names() == [])
    }

    @Test func aQueuedErrorShowsAtTheCommit() throws {
        #expect(throws: CatalogError.self) {
            try driver.write { connection in
                try add("a", connection)
                try connection.execute("INSERT INTO sessions(id, state) VALUES('s', NULL)")
            }
        }
        #expect(try names() == [])
        try driver.write { try add("b", $0) }
        #expect(try names() == ["b"])
    }

    @Test func anErrorThatTheBodyHidesStillRollsBack() throws {
        #expect(throws: CatalogError.self) {
            try driver.write { connection in
                try add("a", connection)
                if (try? connection.integer("SELECT 1 / 0")) != nil { Issue.record("a division by zero") }
            }
        }
        #expect(try names() == [])
    }

    @Test func thousandsOfStatementsAreQueued() throws {
        try driver.write { connection in
            let insert = try connection.prepare("INSERT INTO names(text) VALUES(?1)")
            for number in 0..<5000 { try insert.bind(1, "\(number) " + String(repeating: "x", count: 500)).run() }
        }
        #expect(try driver.read { try $0.integer("SELECT count(*) FROM names") } == 5000)
    }

    @Test func statementsRunWhileAnotherIsBeingRead() throws {
        try driver.read { connection in
            for pageSize in [nil, 1, 7, 1000, 2000] {
                let sql = "SELECT generate_series(1, 1000)"
                let outer = try pageSize.map { try connection.prepare(sql, pageSize: $0) } ?? connection.prepare(sql)
                let inner = try connection.prepare("SELECT ?1 * 2")
                var (count, sum) = (0, Int64(0))
                while try outer.step() {
                    count += 1
                    guard count % 9 == 0 else { continue }
                    #expect(try inner.bind(1, outer.integer(0)).step())
                    sum += inner.integer(0)
                    inner.reset()
                }
                #expect(count == 1000 && sum == 111_888, "\(String(describing: pageSize))")
            }
        }
    }

    @Test func startedStatementsAreReadInAnyOrder() throws {
        try driver.read { connection in
            let statements = try (1...5).map { try connection.prepare("SELECT generate_series(1, \($0))") }
            for statement in statements { try statement.start() }
            for (index, statement) in statements.enumerated().reversed() {
                var count = 0
                while try statement.step() { count += 1 }
                #expect(count == index + 1)
            }
        }
    }

    @Test func anUnreadAnswerDoesNotReachTheNextTransaction() throws {
        for rows in [1, 100, 3_000_000] {
            try driver.read { connection in
                let query = try connection.prepare("SELECT generate_series(1, \(rows))")
                #expect(try query.step() && query.integer(0) == 1)
            }
            #expect(try driver.read { try $0.integer("SELECT 7") } == 7)
        }
    }

    @Test func valuesOfOtherTypesAreRead() throws {
        try driver.read { connection in
            let row = try connection.prepare(
                """
                SELECT CAST(12345678901234 AS numeric), CAST(-7.9 AS numeric), CAST(3.7 AS real), true, CAST(5 AS smallint),
                    CAST('0123abcd-0000-0000-0000-00000000ffff' AS uuid), CAST('{"a": 1}' AS jsonb), CAST(1e30 AS numeric),
                    CAST(-100000000 AS numeric), CAST('NaN' AS double precision), CAST(NULL AS numeric)
                """)
            #expect(try row.step())
            #expect((0..<5).map { row.integer($0) } == [12_345_678_901_234, -7, 3, 1, 5])
            #expect(row.text(5) == "0123abcd-0000-0000-0000-00000000ffff" && row.text(6) == #"{"a": 1}"#)
            #expect((7..<11).map { row.integerOrNil($0) } == [.max, -100_000_000, 0, nil])
        }
    }

    @Test func aNULIsRefusedByTheNameOfItsColumn() throws {
        let error = #expect(throws: CatalogError.self) {
            try catalog.record(sessions: [SessionUpdate(session: "a\0b")])
        }
        #expect(error?.message.contains("NUL") == true && error?.message.contains("\"id\"") == true)
        #expect(try catalog.count() == 0)
    }

    /// A crash record comes from a game: what it says must not keep its session out of the catalog.
    @Test func aNULInACrashRecordIsReplaced() throws {
        let pack = contents("a", crashes: [crashJSON(signature: #"bug\u0000 one"#, id: "c", signal: #"\u0000"#)])
        try catalog.commit(pack)
        let crash = try #require(try catalog.crashes().first)
        #expect(crash.signature == "bug\u{FFFD} one" && crash.signal == "\u{FFFD}" && crash.json == pack.crashes[0])
        #expect(try catalog.differences(from: pack) == [])
    }

    // MARK: Conflicts

    @Test func aWriterThatIsBlockedWaitsAndThenSaysBusy() throws {
        let other = try PostgresDriver.open(uri: database.address, readOnly: false, busyTimeout: 0.2)
        try driver.write { connection in
            try connection.execute("LOCK TABLE names IN EXCLUSIVE MODE")
            _ = try connection.integer("SELECT 1")
            let error = #expect(throws: CatalogError.self) { try other.write { try add("a", $0) } }
            #expect(error?.code == .busy)
        }
        try other.write { try add("a", $0) }
    }

    @Test func deadlocksAndRacesAreResolved() async throws {
        try catalog.record(sessions: [SessionUpdate(session: "a"), SessionUpdate(session: "b")])
        let catalogs = [catalog, try database.open()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (writer, catalog) in catalogs.enumerated() {
                group.addTask {
                    for round in 0..<3 {
                        try catalog.driver.write { connection in
                            for id in writer == 0 ? ["a", "b"] : ["b", "a"] {
                                try connection.prepare("UPDATE sessions SET bytes = bytes + 1 WHERE id = ?1").bind(
                                    1, id
                                )
                                .run()
                                _ = try connection.integer("SELECT pg_backend_pid() FROM pg_sleep(0.02)")
                            }
                        }
                        let requests = (0..<5).map {
                            RequestRecord(
                                session: "new-\(round)", at: $0, endpoint: "list", outcome: "writer \(writer)")
                        }
                        try catalog.record(LedgerBatch(requests: requests))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try catalog.sessions().filter { $0.session.count == 1 }.map(\.bytes) == [6, 6])
        for round in 0..<3 { #expect(try catalog.requests("new-\(round)").count == 10) }
    }

    /// Two harvesters see the same new texts at the same time.
    @Test func writersThatInternTheSameTextsAgree() async throws {
        let catalogs = [catalog, try database.open(), try database.open()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (writer, catalog) in catalogs.enumerated() {
                group.addTask {
                    for round in 0..<10 {
                        let crashes = (0..<8).map { crashJSON(signature: "bug \(round) \($0)") }
                        try catalog.commit(
                            contents("s-\(writer)-\(round)", image: "image \(round)", tag: "\(round)", crashes: crashes)
                        )
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try catalog.topSignatures().map(\.count) == [Int](repeating: 3, count: 80))
        for table in ["names", "signatures"] {
            let sql = "SELECT count(*) - count(DISTINCT text) FROM \(table)"
            #expect(try driver.read { try $0.integer(sql) } == 0)
        }
    }

    // MARK: Lost connections

    @Test func aConnectionThatWasClosedWhileIdleIsReplaced() throws {
        let first = try driver.read { try $0.backend() }
        try database.cut(first)
        let second = try driver.read { try $0.backend() }
        #expect(second != first)
        try database.cut(second)
        try driver.write { try add("a", $0) }
        #expect(try names() == ["a"])
    }

    @Test func aReadThatIsCutFailsAndTheNextOneWorks() throws {
        let error = #expect(throws: CatalogError.self) {
            try driver.read { connection in
                try database.cut(try connection.backend())
                _ = try connection.integer("SELECT 1")
            }
        }
        #expect(error?.code == .io && error?.hint != nil)
        #expect(try names() == [])
    }

    @Test func aWriteThatIsCutBeginsAgain() throws {
        var runs = 0
        try driver.write { connection in
            runs += 1
            let backend = try connection.backend()
            try add("a", connection)
            if runs == 1 { try database.cut(backend) }
            _ = try connection.integer("SELECT 1")
        }
        #expect(runs == 2)
        #expect(try names() == ["a"])
    }

    @Test func aCommitThatIsCutIsUnknown() throws {
        var runs = 0
        let error = #expect(throws: CatalogError.self) {
            try driver.write { connection in
                runs += 1
                let backend = try connection.backend()
                try add("a", connection)
                try database.cut(backend)
            }
        }
        #expect(runs == 1 && error?.code == .io && error?.message.contains("unknown whether") == true)
        try driver.write { try add("b", $0) }
        #expect(try names() == ["b"])
    }

    @Test func threadsHaveConnectionsOfTheirOwn() async throws {
        let catalog = catalog
        let meeting = Meeting()
        let backends = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        Thread.detachNewThread {
                            continuation.resume(
                                with: Result {
                                    try catalog.driver.read { connection in
                                        let backend = try connection.backend()
                                        meeting.count.add(1, ordering: .sequentiallyConsistent)
                                        while meeting.count.load(ordering: .sequentiallyConsistent) < 2 { usleep(1000) }
                                        return backend
                                    }
                                })
                        }
                    }
                }
            }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(backends.count == 2)
    }
}

/// Counts the threads that have arrived.
private final class Meeting: Sendable {
    let count = Atomic(0)
}
