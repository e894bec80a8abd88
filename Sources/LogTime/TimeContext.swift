/// What a format needs besides the bytes of a line.
public struct TimeContext: Sendable, Equatable {
    /// Start of the session in milliseconds since 1970 UTC; the source of missing years and days.
    public var sessionStart: Int64
    /// Zone of timestamps without one, in seconds east of UTC; 0 unless configured.
    public var zoneOffset: Int32
    /// The first counter value in milliseconds, for formats that count from a start; its line is assumed to be written
    /// at the session's start. See ``TimeFormat/counterStart(_:)``.
    public var counterStart: Int64

    /// Creates a context.
    public init(sessionStart: Int64 = 0, zoneOffset: Int32 = 0, counterStart: Int64 = 0) {
        self.sessionStart = sessionStart
        self.zoneOffset = zoneOffset
        self.counterStart = counterStart
    }
}
