import Clocks
import Glibc
import Testing

@Suite struct ClocksTests {
    @Test func theTimeOfDayIsThatOfTheSystem() {
        // time(2) may lag by a timer tick, so it may name the second before.
        let before = Int64(time(nil))
        let now = WallClock.now() / 1000
        let after = Int64(time(nil)) + 1
        #expect(before...after ~= now)
    }

    @Test func theMonotonicClockNeverGoesBack() {
        var last = MonotonicClock.nanoseconds()
        for _ in 0..<1000 {
            let next = MonotonicClock.nanoseconds()
            #expect(next >= last)
            last = next
        }
        #expect(MonotonicClock.milliseconds() >= last / 1_000_000)
    }

    @Test func theCoarseClockIsTheMonotonicOneALittleLate() {
        var last = MonotonicClock.coarseMilliseconds()
        for _ in 0..<1000 {
            let next = MonotonicClock.coarseMilliseconds()
            #expect(next >= last)
            #expect(next <= MonotonicClock.milliseconds())
            last = next
        }
        // Generous: a virtual machine may be stopped between the two reads.
        #expect(MonotonicClock.milliseconds() - MonotonicClock.coarseMilliseconds() < 10_000)
    }
}
