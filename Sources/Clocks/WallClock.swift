internal import Glibc

/// The time of day, which an administrator or a time server may set back.
public enum WallClock {
    /// The current time, in milliseconds since 1970 UTC.
    public static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }
}
