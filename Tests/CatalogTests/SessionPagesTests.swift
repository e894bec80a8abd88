import Catalog
import Model
import Testing
import Text

/// Sessions are read in pages with their labels: none may get another's, at any number of sessions.
@Suite(.everyEngine) struct SessionPagesTests {
    private static let count = 600
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        try catalog.commit(
            (0..<Self.count).map { number in
                contents(Self.name(number), labels: Self.labels(number), exited: moment(0) + Int64(number), members: [])
            })
        var running = SessionUpdate(session: "running", state: .running)
        running.labels = ["mode": "live"]
        try catalog.record(sessions: [running])
    }

    private static func name(_ number: Int) -> String { "s\(number)" }

    private static func labels(_ number: Int) -> ByteDictionary<String> {
        var labels: ByteDictionary<String> = [:]
        for label in 0..<(number % 4) { labels["label-\(label)"] = "\(number)" }
        return labels
    }

    @Test(arguments: [nil, 0, 1, 2, 255, 256, 257, 512, 513, 601, 700]) func everySessionHasItsLabels(limit: Int?)
        throws
    {
        let expected = (["running"] + (0..<Self.count).reversed().map(Self.name)).prefix(limit ?? .max)
        let found = try catalog.sessions(Selection(limit: limit))
        #expect(found.map(\.session) == Array(expected))
        for record in found {
            let number = Int(record.session.dropFirst())
            #expect(record.labels == (number.map(Self.labels) ?? ["mode": "live"]), "\(record.session)")
        }
        #expect(try catalog.count(Selection(limit: limit)) == expected.count)
    }

    @Test func aSingleSessionHasItsLabels() throws {
        #expect(try catalog.session("s7")?.labels == Self.labels(7))
        #expect(try catalog.session("s8")?.labels == [:])
        #expect(try catalog.session("none") == nil)
    }

    @Test func packsAreThoseOfTheSelectedSessions() throws {
        for selection in [
            Selection(), Selection(since: moment(0) + 300), Selection(labels: [.init(key: "label-2", value: "*")]),
            Selection(sessions: ["s12"]), Selection(limit: 17), Selection(images: ["none"]),
        ] {
            var found: [SelectedPack] = []
            try catalog.forEachPack(selection) { found.append($0) }
            let expected = try catalog.sessions(selection).filter { $0.pack != nil }
            #expect(found.map(\.session).sorted() == expected.map(\.session).sorted())
            #expect(found.map(\.pack).sorted() == expected.compactMap(\.pack).sorted())
        }
        var paths: [String] = []
        var chosen: [SelectedPack] = []
        try catalog.forEachPack(
            where: { path in
                paths.append(String(decoding: path, as: UTF8.self))
                return paths.last?.hasSuffix("/s41.pack") == true
            }, { chosen.append($0) })
        #expect(paths.count == Self.count)
        let record = try #require(try catalog.session("s41"))
        #expect(
            chosen == [
                SelectedPack(
                    SessionIdentity(
                        id: "s41", image: "arena", tag: "1.0.0", location: "fra", created: record.created),
                    ended: record.exited, pack: "packs/2026/11/20/s41.pack", packBytes: 1234)
            ])
    }
}
