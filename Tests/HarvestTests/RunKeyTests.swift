import Model
import Testing
import Text

@testable import Harvest

@Suite struct RunKeyTests {
    @Test func noTwoRunsShareAName() {
        let ids = [
            "a", "a@1790000000000", "a@1790000000000@0", "a@0", "@1790000000000", "a@", "a@b", "a@12", "a@0000012",
        ]
        let times: [Int64] = [1, 12, 1_005_000, 1_790_000_000_000, 253_402_300_799_999]
        var names: Set<String> = []
        for id in ids {
            #expect(names.insert(RunKey.first(id: id)).inserted, "\(id)")
            for time in times { #expect(names.insert(RunKey.later(id: id, created: time)).inserted, "\(id), \(time)") }
        }
    }

    @Test func theApisIdComesBackFromEachName() {
        for id in ["a", "a@1790000000000", "a@1790000000000@0", "a@0", "caf\u{E9}", "cafe\u{301}"] {
            for created in [nil, 1_790_000_000_000, 1_790_000_100_000] as [Int64?] {
                #expect(RunKey.apiID(key: RunKey.first(id: id), created: created) == id)
                guard let created else { continue }
                #expect(RunKey.apiID(key: RunKey.later(id: id, created: created), created: created) == id)
            }
        }
        // As in ledgers of earlier versions.
        #expect(RunKey.first(id: "match@42") == "match@42")
        #expect(RunKey.apiID(key: "a@1790000000000", created: 1_790_000_000_000) == "a")
        #expect(RunKey.apiID(key: "a@1790000000000", created: 1_690_000_000_000) == "a@1790000000000")
        #expect(RunKey.apiID(key: "x@0", created: 0) == "x@0")
    }

    private func sighting(_ id: String, _ status: ObservedStatus, created: Int64) -> Sighting {
        Sighting(SessionIdentity(id: id, image: "game", created: created), status: status)
    }

    @Test func aLiteralIdBesideAReusedOneIsARunOfItsOwn() {
        var watcher = Watcher()
        func list(_ kind: ListKind, _ sightings: [Sighting], _ now: Int64) -> [Watcher.Action] {
            var actions = watcher.handle(.listBegan(kind), now: now)
            for sighting in sightings { actions += watcher.handle(.listed(sighting), now: now) }
            return actions + watcher.handle(.listEnded(kind, complete: true), now: now)
        }
        _ = list(.all, [sighting("a", .exited, created: 1_790_000_000_000)], 1_790_000_050_000)
        _ = watcher.handle(.settled(key: "a"), now: 1_790_000_060_000)
        let literal = "a@1790000100000"
        let both = [
            sighting(literal, .exited, created: 1_790_000_000_000), sighting("a", .exited, created: 1_790_000_100_000),
        ]
        let keys = list(.all, both, 1_790_000_200_000).compactMap { action in
            if case .exited(let session) = action { "\(session.identity.id) as \(session.key)" } else { nil }
        }
        #expect(keys == ["\(literal) as \(literal)@0", "a as a@1790000100000"])
    }

    @Test func composedAndDecomposedIdsAreTwo() {
        var watcher = Watcher()
        _ = watcher.handle(.listBegan(.all), now: 1000)
        let one = watcher.handle(.listed(sighting("caf\u{E9}", .exited, created: 500)), now: 1000)
        let other = watcher.handle(.listed(sighting("cafe\u{301}", .exited, created: 500)), now: 1000)
        #expect(one.count == 2 && other.count == 2)
        #expect(watcher.tracked == 2)
    }

    @Test func nothingIsInferredFromAListWithEntriesThatCannotBeRead() {
        var watcher = Watcher()
        let ids = (0..<100).map { "s\($0)" }
        func round(_ rejected: Int, _ now: Int64) -> [Watcher.Action] {
            var actions = watcher.handle(.listBegan(.running), now: now)
            if now == 1000 {
                for id in ids { actions += watcher.handle(.listed(sighting(id, .running, created: 500)), now: now) }
            }
            actions += watcher.handle(
                .listEnded(.running, complete: true, rejected: now == 1000 ? 0 : rejected), now: now)
            actions += watcher.handle(.listBegan(.all), now: now + 1)
            for id in ids {
                let unclear = Sighting(SessionIdentity(id: id, image: "game", created: 500), status: nil)
                actions += watcher.handle(.listed(unclear), now: now + 1)
            }
            return actions + watcher.handle(.listEnded(.all, complete: true), now: now + 1)
        }
        _ = round(0, 1000)
        var asked: Set<String> = []
        for number in 1...5 {
            for action in round(1, 1000 + Int64(number) * 60_000) {
                if case .exited = action { Issue.record("a session was taken to have ended") }
                if case .describe(let id) = action { asked.insert(id) }
            }
        }
        #expect(asked.count == ids.count)
    }
}
