import SalvageConfiguration
import Testing

@testable import Notify

@Suite struct SpikeTests {
    private let settings = Configuration.Notifications.Spike()

    private func spike(_ crashed: Int, of sessions: Int, before: Int, of all: Int, hours: Int = 168) -> Spike? {
        Spike(
            .init(
                sessions: sessions, crashed: crashed, sessionsBefore: all, crashedBefore: before, hoursBefore: hours),
            settings)
    }

    @Test func countAndShareMustBothBeUnusual() throws {
        let words = try #require(spike(12, of: 40, before: 40, of: 4000)).words
        #expect(words == "12 of 40 sessions in the last hour (30%), 1% before")
        #expect(spike(12, of: 40, before: 800, of: 4000) == nil, "the share is less than three times as large")
        #expect(spike(100, of: 400, before: 8400, of: 100_000, hours: 168) == nil, "50 an hour are usual")
    }

    @Test func fewSessionsOrASmallShareAreNoSpike() {
        #expect(spike(4, of: 10, before: 0, of: 1000) == nil)
        #expect(spike(5, of: 10, before: 0, of: 1000) != nil)
        #expect(spike(10, of: 1000, before: 0, of: 10_000) == nil, "1% is below the floor of 2%")
    }

    @Test func withoutAPastThereIsNothingToCompareWith() {
        #expect(spike(50, of: 50, before: 0, of: 0) == nil)
        #expect(spike(5, of: 0, before: 0, of: 10) == nil)
        #expect(spike(30, of: 20, before: 40, of: 10, hours: 0) == nil, "more crashes than sessions do not trap")
    }
}
