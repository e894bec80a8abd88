internal import Glibc

/// The time since the machine started, which never goes back: for durations and timeouts.
public enum MonotonicClock {
    /// In nanoseconds.
    public static func nanoseconds() -> Int64 { read(CLOCK_MONOTONIC) }

    /// In milliseconds.
    public static func milliseconds() -> Int64 { nanoseconds() / 1_000_000 }

    /// In milliseconds, up to 10 ms late: the time of the last timer tick, which is cheaper to read.
    public static func coarseMilliseconds() -> Int64 { read(CLOCK_MONOTONIC_COARSE) / 1_000_000 }

    /// In seconds.
    public static func seconds() -> Double { Double(nanoseconds()) / 1e9 }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
