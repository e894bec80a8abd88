import Harvest
import Testing

@Suite struct DeadlineForecastTests {
    private func facts() -> DeadlineForecast.Facts {
        DeadlineForecast.Facts(
            interval: 30_000, retention: 4 * 3_600_000, backlog: 100, timeLeft: 3_600_000, exitsPerHour: 1000,
            artifactsPerSession: 2, artifactsPerMinute: 600, logsPerMinute: 600)
    }

    @Test func enoughOfEverythingIsNoObstacle() {
        let forecast = DeadlineForecast(facts())
        #expect(forecast.obstacles == [])
        #expect(forecast.backlogTakes == 10_000)
    }

    @Test func eachShortageIsNamedWithItsFigures() {
        var slow = facts()
        slow.interval = 3 * 3_600_000
        #expect(
            DeadlineForecast(slow).obstacles == [
                "polling every 3 h 0 min is too slow for 4 h 0 min of retention"
            ])
        var late = facts()
        late.backlog = 60_000
        #expect(DeadlineForecast(late).obstacles.count == 1)
        #expect(DeadlineForecast(late).obstacles[0].contains("60000 artifacts take 100 min"))
        var busy = facts()
        busy.exitsPerHour = 40_000
        #expect(DeadlineForecast(busy).obstacles.count == 2)
    }
}
