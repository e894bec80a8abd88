import Calendar

extension StampCursor {
    /// `[21:16:03]`, `21:16:03.123`, `[9:16:03 PM]`: the day of the session's start, or the next day if the time is
    /// before the start's.
    ///
    /// The rule is stateless, so blocks can be read in any order; times of a session longer than 23 hours are
    /// ambiguous.
    @inline(__always)
    mutating func timeOnly(_ context: TimeContext) -> Int64? {
        if left > 0, at[0] == 0x5B || at[0] == 0x28 {
            at += 1
            // `[\u{1B}[32m21:16:03`
            if left > 0, at[0] == 0x1B { _ = skipEscape() }
        }
        guard left >= 7, at[0] &- 0x30 <= 9, at[1] == 0x3A || at[2] == 0x3A, let time = timeOfDay() else { return nil }
        return onSessionDay(time, context)
    }

    /// The first time of day that starts in the first 64 bytes.
    mutating func timeInside(_ context: TimeContext) -> Int64? {
        let limit = min(left, 64)
        let start = at
        var index = 0
        while index < limit, index &+ 8 <= left {
            let probe = start + index
            if probe[2] == 0x3A, probe[5] == 0x3A, probe[0] &- 0x30 <= 9, index == 0 || Self.isBoundary(probe[-1]),
                index &+ 8 == left || probe[8] != 0x3A && probe[8] &- 0x30 > 9
            {
                var inner = StampCursor(probe, end: end)
                if let time = inner.timeOfDay() { return onSessionDay(time, context) }
            }
            index &+= 1
        }
        return nil
    }

    /// Whether a number may begin after this byte: a separator, or the `m` that ends a color sequence.
    @inline(__always)
    static func isBoundary(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x5B || byte == 0x28 || byte == 0x5D || byte == 0x09 || byte == 0x7C || byte == 0x3D
            || byte == 0x22 || byte == 0x2C || byte == 0x6D
    }

    /// A time of day in milliseconds: one or two digits for the hour, an optional fraction, and optional AM or PM.
    @inline(__always)
    mutating func timeOfDay() -> Int64? {
        var hour = oneOrTwo()
        skip(0x3A)
        let minute = two()
        skip(0x3A)
        let second = two()
        var milli = 0
        if left >= 2, at[0] == 0x2E || at[0] == 0x2C, at[1] &- 0x30 <= 9 {
            at += 1
            milli = fraction()
        }
        if isHalfDayAhead() {
            guard let whole = halfDay(hour) else { return nil }
            hour = whole
        }
        guard !failed else { return nil }
        return CivilTime.milliseconds(day: 0, hour: hour, minute: minute, second: second, millisecond: milli)
    }

    @inline(__always)
    private func onSessionDay(_ time: Int64, _ context: TimeContext) -> Int64 {
        let local = context.sessionStart &+ Int64(context.zoneOffset) &* 1000
        let stamp = Int64(CivilDate.days(ofMilliseconds: local)) &* 86_400_000 &+ time
        // An hour of tolerance: a timestamp shortly before the recorded start is clock skew, not tomorrow.
        let wrapped = stamp < local &- 3_600_000 ? stamp &+ 86_400_000 : stamp
        return wrapped &- Int64(context.zoneOffset) &* 1000
    }

    @inline(__always)
    mutating func oneOrTwo() -> Int {
        guard left >= 2 else {
            failed = true
            return 0
        }
        if at[1] &- 0x30 <= 9 { return two() }
        let digit = at[0] &- 0x30
        if digit > 9 { failed = true }
        at += 1
        return Int(digit)
    }

    /// Whether AM or PM follows, with or without a space; newer Java and ICU write a narrow no-break space.
    @inline(__always)
    func isHalfDayAhead() -> Bool {
        var probe = at
        if left > 0, at[0] == 0x20 {
            probe += 1
        } else if left > 3, at[0] == 0xE2, at[1] == 0x80, at[2] == 0xAF {
            probe += 3
        } else if left > 2, at[0] == 0xC2, at[1] == 0xA0 {
            probe += 2
        }
        let left = end - probe
        guard left >= 2, probe[0] | 0x20 == 0x61 || probe[0] | 0x20 == 0x70 else { return false }
        let mark = probe[1] == 0x2E && left >= 3 ? 2 : 1
        guard probe[mark] | 0x20 == 0x6D else { return false }
        let after = mark + 1
        return left == after || (probe[after] | 0x20) &- 0x61 > 25 && probe[after] &- 0x30 > 9
    }

    /// Converts a 12-hour `hour` using the AM or PM that follows, and skips it.
    @inline(__always)
    mutating func halfDay(_ hour: Int) -> Int? {
        guard hour >= 1, hour <= 12 else { return hour == 0 ? 0 : nil }
        var probe = at
        while probe < end, probe[0] | 0x20 != 0x61, probe[0] | 0x20 != 0x70 { probe += 1 }
        let isAfternoon = probe < end && probe[0] | 0x20 == 0x70
        while probe < end, probe[0] | 0x20 != 0x6D { probe += 1 }
        at = probe < end ? probe + 1 : end
        return hour % 12 &+ (isAfternoon ? 12 : 0)
    }

    /// `   12.345 Info`, `[  870.644191]`, `[0.012s]`
    @inline(__always)
    mutating func uptime(_ context: TimeContext) -> Int64? {
        let isBracketed = skipIf(0x5B)
        while skipIf(0x20) {}
        var seconds: Int64 = 0
        var digits = 0
        while left > 0, digits < 9 {
            let digit = at[0] &- 0x30
            guard digit <= 9 else { break }
            seconds = seconds &* 10 &+ Int64(digit)
            digits &+= 1
            at += 1
        }
        guard digits > 0, left >= 4, at[0] == 0x2E, at[1] &- 0x30 <= 9, at[2] &- 0x30 <= 9, at[3] &- 0x30 <= 9 else {
            return nil
        }
        at += 1
        let milli = fraction()
        if isBracketed {
            _ = skipIf(0x73)
            guard skipIf(0x5D) else { return nil }
        } else {
            // A column of numbers is not a timestamp: a word must follow.
            _ = skipIf(0x3A)
            guard skipIf(0x20), left > 0, (at[0] | 0x20) &- 0x61 <= 25 || at[0] == 0x5B else { return nil }
        }
        return sinceStart(seconds &* 1000 &+ Int64(milli), context)
    }

    /// `[00:12:34]: `
    @inline(__always)
    mutating func elapsed(_ context: TimeContext) -> Int64? {
        guard left >= 11, at[0] == 0x5B, at[3] == 0x3A, at[6] == 0x3A, at[9] == 0x5D, at[10] == 0x3A else { return nil }
        at += 1
        let time = clock(separator: 0x3A)
        guard !failed, time.minute <= 59, time.second <= 59 else { return nil }
        return sinceStart(Int64((time.hour &* 60 &+ time.minute) &* 60 &+ time.second) &* 1000, context)
    }

    /// Converts a counter to a time. A restarted counter is clamped to the session's start: no line is older than the
    /// session.
    @inline(__always)
    private func sinceStart(_ counter: Int64, _ context: TimeContext) -> Int64 {
        context.sessionStart &+ max(0, counter &- context.counterStart)
    }

    /// A number of 10 to 19 digits with an optional fraction: seconds, milliseconds, microseconds or nanoseconds, by
    /// the number of digits.
    @inline(__always)
    mutating func epoch() -> Int64? {
        if left > 0, at[0] == 0x5B { at += 1 }
        // logfmt
        if left > 3, at[0] == 0x74, at[1] == 0x73, at[2] == 0x3D { at += 3 }
        var value: Int64 = 0
        var digits = 0
        while left > 0, digits < 19 {
            let digit = at[0] &- 0x30
            guard digit <= 9 else { break }
            value = value &* 10 &+ Int64(digit)
            digits &+= 1
            at += 1
        }
        guard left == 0 || at[0] &- 0x30 > 9 else { return nil }
        switch digits {
        case 10: return value &* 1000 &+ Int64(skipIf(0x2E) ? fraction() : 0)
        case 13: return value
        case 16: return value / 1000
        case 19 where value > 0: return value / 1_000_000
        default: return nil
        }
    }
}
