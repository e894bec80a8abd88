import Catalog
import Model
import Testing
import Text

/// Pages that continue after a row, and figures by time.
@Suite(.everyEngine) struct PageTests {
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        // Several sessions end at the same time, as after the loss of a host.
        try catalog.commit(
            (0..<25).map { number in
                contents(
                    "s\(number)", tag: number % 2 == 0 ? "1.0" : "1.1", exited: moment(1 + number / 10),
                    crashes: number % 5 == 0
                        ? [crashJSON(signature: number % 2 == 0 ? "even" : "odd", id: "c\(number)")] : [])
            })
        for number in 0..<3 {
            var running = SessionUpdate(session: "run\(number)", state: .running)
            running.created = moment(5)
            try catalog.record(sessions: [running])
        }
    }

    private func all(_ selection: Selection = Selection(), by limit: Int) throws -> [String] {
        var found: [String] = []
        var cursor: PageCursor?
        for _ in 0..<100 {
            let page = try catalog.sessionPage(selection, after: cursor, limit: limit)
            #expect(page.rows.count <= limit)
            found += page.rows.map(\.session)
            guard let next = page.next else { return found }
            // An address carries it as text.
            cursor = PageCursor(next.text)
            #expect(cursor == next)
        }
        return found
    }

    @Test func pagesHaveEverySessionOnceInOneOrder() throws {
        let whole = try catalog.sessionPage(limit: 1000)
        #expect(whole.next == nil && whole.rows.count == 28)
        let names = whole.rows.map(\.session)
        #expect(Set(names).count == 28 && names.prefix(3).allSatisfy { $0.hasPrefix("run") })
        for limit in [1, 2, 3, 7, 25, 28] { #expect(try all(by: limit) == names, "\(limit)") }
        let tagged = try catalog.sessionPage(Selection(tags: ["1.1"]), limit: 1000).rows.map(\.session)
        #expect(try tagged.count == 12 && all(Selection(tags: ["1.1"]), by: 5) == tagged)
    }

    @Test func whatArrivesMeanwhileMovesNothing() throws {
        let first = try catalog.sessionPage(Selection(states: [.harvested]), limit: 5)
        try catalog.commit(contents("newest", exited: moment(9)))
        let second = try catalog.sessionPage(Selection(states: [.harvested]), after: first.next, limit: 5)
        #expect(Set(first.rows.map(\.session)).isDisjoint(with: second.rows.map(\.session)))
        #expect(!second.rows.contains { $0.session == "newest" })
    }

    @Test func crashesHavePagesToo() throws {
        var found: [String] = []
        var cursor: PageCursor?
        repeat {
            let page = try catalog.crashPage(after: cursor, limit: 2)
            found += page.rows.map(\.crash)
            cursor = page.next
        } while cursor != nil
        #expect(found == (try catalog.crashes().map(\.crash)) && found.count == 5)
    }

    @Test(arguments: ["", "e", "e1", "x1.2", "e1.2.3", "e1.x", "r99999999999999999999.1", "e1.2\u{0}"])
    func textThatIsNoCursorIsRefused(_ text: String) {
        #expect(PageCursor(text) == nil)
    }

    @Test func aSeriesCountsByTimeAndTag() throws {
        let hours = try catalog.series(by: .hour)
        #expect(hours.map(\.sessions).reduce(0, +) == 25, "running sessions have not ended")
        #expect(hours.map(\.crashed).reduce(0, +) == 5 && hours.map(\.crashes).reduce(0, +) == 5)
        let first = try #require(hours.first)
        #expect(first.time == moment(1) && first.tag == "1.0" && first.sessions == 5 && first.crashed == 1)
        #expect(hours.map(\.time) == hours.map(\.time).sorted())
        let days = try catalog.series(by: .day, Selection(tags: ["1.1"]))
        #expect(days.count == 1 && days.first?.sessions == 12 && days.first?.crashed == 2)
        // A signature narrows the crashes, not the sessions.
        let even = try catalog.series(by: .day, Selection(signatures: ["even"]))
        #expect(even.map(\.sessions).reduce(0, +) == 25)
        #expect(even.map(\.crashed).reduce(0, +) == 3 && even.map(\.crashes).reduce(0, +) == 3)
        #expect(try catalog.series(by: .hour, Selection(since: moment(3))).map(\.sessions).reduce(0, +) == 5)
    }
}
