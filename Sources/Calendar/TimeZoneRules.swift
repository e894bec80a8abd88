/// The rules by which a time zone's clocks differ from UTC: which offset and which abbreviation hold at an instant.
///
/// A value is only a lookup, so that the rules of the machine and those of a test are used alike.
public struct TimeZoneRules: Sendable {
    /// What holds at an instant.
    public struct Offset: Sendable, Hashable {
        /// Seconds east of UTC.
        public var seconds: Int
        /// The abbreviation, such as `CET`; zones without one have a number, such as `-03`.
        public var name: String

        /// An offset with its abbreviation.
        public init(seconds: Int, name: String) {
            self.seconds = seconds
            self.name = name
        }
    }

    private let lookup: @Sendable (Int64) -> Offset

    /// Rules that `lookup` answers, for any instant in seconds since 1970.
    public init(_ lookup: @escaping @Sendable (_ seconds: Int64) -> Offset) { self.lookup = lookup }

    /// A zone whose offset never changes.
    public init(fixed offset: Offset) { lookup = { _ in offset } }

    /// A zone with known changes.
    /// - Parameters:
    ///   - first: what holds before the first change.
    ///   - changes: the changes in ascending order: from which second since 1970 on, and what holds then.
    public init(first: Offset, changes: [(from: Int64, offset: Offset)]) {
        lookup = { seconds in changes.last { $0.from <= seconds }?.offset ?? first }
    }

    /// UTC.
    public static let utc = TimeZoneRules(fixed: Offset(seconds: 0, name: "UTC"))

    /// What holds at an instant, in milliseconds since 1970.
    public func offset(at milliseconds: Int64) -> Offset {
        let seconds = milliseconds / 1000
        return lookup(milliseconds % 1000 < 0 ? seconds - 1 : seconds)
    }

    /// The date and time that the zone's clocks show at an instant, in milliseconds since 1970.
    public func local(_ milliseconds: Int64) -> CivilTime {
        CivilTime(milliseconds: milliseconds &+ Int64(offset(at: milliseconds).seconds) &* 1000)
    }

    /// The instant, in milliseconds since 1970, at which the zone's clocks show a date and time.
    ///
    /// A time that occurs twice, because clocks are put back, is the first of the two. A time that clocks skip, because
    /// they are put forward, is as much later as clocks are put forward: 02:30 is 03:30.
    ///
    /// - Parameter local: the date and time as the milliseconds since 1970 that it would be in UTC.
    public func instant(ofLocal local: Int64) -> Int64 {
        // No zone changes twice within two days, and none is more than a day from UTC.
        let day = CivilDate.millisecondsPerDay
        let before = Int64(offset(at: local &- day).seconds) &* 1000
        let after = Int64(offset(at: local &+ day).seconds) &* 1000
        let early = local &- before
        let late = local &- after
        if Int64(offset(at: early).seconds) &* 1000 == before { return early }
        if Int64(offset(at: late).seconds) &* 1000 == after { return late }
        return early
    }

    /// The instant at which a day begins in the zone.
    public func start(of date: CivilDate) -> Int64 {
        instant(ofLocal: Int64(date.daysSince1970) &* CivilDate.millisecondsPerDay)
    }
}
