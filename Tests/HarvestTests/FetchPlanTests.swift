import Model
import SalvageConfiguration
import Testing

@testable import Harvest

@Suite struct FetchPlanTests {
    @Test func samplingShowsInThePlan() throws {
        let configuration = try Configuration.parse(
            """
            rules:
              - match: { image: never }
                sample: never
                artifacts: [/a]
              - match: { image: crashed }
                sample: crashed
                artifacts: [/a]
              - match: { image: nolog }
                logs: false
                artifacts: [{ path: /a, sample: crashed }, "/b/{label:x}", /c, /c]
            """)
        func plan(_ image: String, crashed: Bool = false) -> FetchJob {
            .plan(
                for: ExitedSession(
                    key: "s", identity: SessionIdentity(id: "s", image: image), exitedAt: 0, deadline: 1, notBefore: 0,
                    crashed: crashed, evidence: .status), by: configuration)
        }
        #expect(plan("never").items.isEmpty)
        #expect(plan("never").decided.map(\.state) == [.skipped, .skipped])
        #expect(plan("crashed").items.map(\.onlyIfCrashed) == [true, true])
        #expect(plan("crashed", crashed: true).items.map(\.onlyIfCrashed) == [false, false])
        #expect(plan("nolog").items.map(\.artifact) == ["logs", "/a", "/c"])
        #expect(plan("nolog").items.map(\.probe) == [true, false, false])
        #expect(plan("nolog").decided.map(\.artifact) == ["logs", "/b/{label:x}"])
        #expect(plan("nolog", crashed: true).items.map(\.artifact) == ["/a", "/c"])
    }

    @Test func aSessionThatNoRuleMatchesIsSkipped() throws {
        let configuration = try Configuration.parse("rules: [{ match: { image: fps } }]")
        let exited = ExitedSession(
            key: "3", identity: SessionIdentity(id: "3", image: "chess"), exitedAt: 0, deadline: 1, notBefore: 0,
            crashed: false, evidence: .status)
        var fetcher = Fetcher(seed: 1)
        let actions = fetcher.add(.plan(for: exited, by: configuration), now: 0)
        #expect(actions.settled?.0 == .skipped)
        #expect(actions.settled?.1.first?.reason == "no rule matches the session")
    }
}
