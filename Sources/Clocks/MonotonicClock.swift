internal import Glibc

/// The time since the machine started, which never goes back: for durations and timeouts.
public enum MonotonicClock {
    /// In nanoseconds.
    public static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// In milliseconds.
    public static func milliseconds() -> Int64 { nanoseconds() / 1_000_000 }

    /// In seconds.
    public static func seconds() -> Double { Double(nanoseconds()) / 1e9 }

}
