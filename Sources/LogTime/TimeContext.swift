/// What a format needs to know beside the bytes of a line.
public struct TimeContext: Sendable, Equatable {
    /// Start of the session in milliseconds since 1970; gives year and day to formats that lack them.
    public var sessionStart: Int64
    /// Seconds east of UTC assumed where a stamp names no zone; 0 unless configured.
    public var zoneOffset: Int32
    /// What the member's first stamp shows, in milliseconds, where the format counts from a start: that line is taken
    /// for the session's start. See ``TimeFormat/counterStart(_:)``.
    public var counterStart: Int64

    /// Makes a context.
    public init(sessionStart: Int64 = 0, zoneOffset: Int32 = 0, counterStart: Int64 = 0) {
        self.sessionStart = sessionStart
        self.zoneOffset = zoneOffset
        self.counterStart = counterStart
    }
}
