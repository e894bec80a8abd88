import Calendar

/// Reads fixed-width digits of one line. Every read checks the end; a failed one sets `failed`.
struct StampCursor {
    var at: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var failed = false

    @inline(__always)
    init(_ start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
        at = start
        self.end = end
    }

    @inline(__always) var left: Int { end - at }

    @inline(__always)
    mutating func two() -> Int {
        guard left >= 2 else {
            failed = true
            return 0
        }
        let tens = at[0] &- 0x30
        let ones = at[1] &- 0x30
        if tens > 9 || ones > 9 { failed = true }
        at += 2
        return Int(tens) &* 10 &+ Int(ones)
    }

    @inline(__always)
    mutating func four() -> Int {
        let high = two()
        return high &* 100 &+ two()
    }

    @inline(__always)
    mutating func skip(_ byte: UInt8) {
        if left < 1 || at[0] != byte { failed = true } else { at += 1 }
    }

    @inline(__always)
    mutating func skipIf(_ byte: UInt8) -> Bool {
        guard left >= 1, at[0] == byte else { return false }
        at += 1
        return true
    }

    /// The digits of a fraction as milliseconds; digits after the third are ignored.
    @inline(__always)
    mutating func fraction() -> Int {
        var value = 0
        var scale = 100
        while left > 0 {
            let digit = at[0] &- 0x30
            guard digit <= 9 else { break }
            value = value &+ Int(digit) &* scale
            scale /= 10
            at += 1
        }
        return value
    }

    @inline(__always)
    func day(_ year: Int, _ month: Int, _ day: Int) -> Int? {
        guard !failed, month >= 1, month <= 12, day >= 1, day <= 31 else { return nil }
        return CivilDate(year: year, month: month, day: day).daysSince1970
    }

    @inline(__always)
    mutating func clock(separator: UInt8) -> (hour: Int, minute: Int, second: Int) {
        let hour = two()
        skip(separator)
        let minute = two()
        skip(separator)
        return (hour, minute, two())
    }
}

extension StampCursor {
    /// `[2025.11.20-21.16.03:123]`
    @inline(__always)
    mutating func unreal() -> Int64? {
        guard left >= 25, at[0] == 0x5B, at[5] == 0x2E, at[11] == 0x2D else { return nil }
        at += 1
        let year = four()
        skip(0x2E)
        let month = two()
        skip(0x2E)
        let dayOfMonth = two()
        skip(0x2D)
        let time = clock(separator: 0x2E)
        skip(0x3A)
        guard let day = day(year, month, dayOfMonth) else { return nil }
        let milli = fraction()
        return CivilTime.milliseconds(
            day: day, hour: time.hour, minute: time.minute, second: time.second, millisecond: milli)
    }

    /// `L 11/20/2025 - 21:16:03:`
    @inline(__always)
    mutating func source(zone: Int32) -> Int64? {
        guard left >= 24, at[0] == 0x4C, at[1] == 0x20, at[4] == 0x2F else { return nil }
        at += 2
        let month = two()
        skip(0x2F)
        let dayOfMonth = two()
        skip(0x2F)
        let year = four()
        skip(0x20)
        skip(0x2D)
        skip(0x20)
        let time = clock(separator: 0x3A)
        guard let day = day(year, month, dayOfMonth) else { return nil }
        // SourceMod and newer branches append milliseconds: `21:16:03.123:`.
        let milli = skipIf(0x2E) ? fraction() : 0
        return CivilTime.milliseconds(
            day: day, hour: time.hour, minute: time.minute, second: time.second, millisecond: milli
        )
        .map { $0 &- Int64(zone) &* 1000 }
    }

    /// `2025-11-20T21:16:03.123+01:00` and its variations, optionally after `[`, `(` or `"`.
    @inline(__always)
    mutating func iso(zone: Int32) -> Int64? {
        if left > 0, at[0] == 0x5B || at[0] == 0x28 || at[0] == 0x22 { at += 1 }
        guard left >= 16, at[0] &- 0x30 <= 9, at[4] == 0x2D || at[4] == 0x2F || at[4] == 0x2E, at[7] == at[4] else {
            return nil
        }
        let dash = at[4]
        let year = four()
        skip(dash)
        let month = two()
        skip(dash)
        let dayOfMonth = two()
        guard left >= 1, at[0] == 0x20 || at[0] == 0x54 || at[0] == 0x74 || at[0] == 0x5F else { return nil }
        at += 1
        var hour = two()
        // After a date with dots, the time may have dots too, as in ARK's logs.
        let colon: UInt8 = dash == 0x2E && left > 0 && at[0] == 0x2E ? 0x2E : 0x3A
        skip(colon)
        let minute = two()
        let second = skipIf(colon) ? two() : 0
        guard let day = day(year, month, dayOfMonth) else { return nil }
        var milli = 0
        if left >= 2, at[0] == 0x2E || at[0] == 0x2C, at[1] &- 0x30 <= 9 {
            at += 1
            milli = fraction()
        }
        if left >= 3, at[0] == 0x20, at[2] | 0x20 == 0x6D, at[1] | 0x20 == 0x70 || at[1] | 0x20 == 0x61 {
            guard let whole = halfDay(hour) else { return nil }
            hour = whole
        }
        guard
            let local = CivilTime.milliseconds(day: day, hour: hour, minute: minute, second: second, millisecond: milli)
        else {
            return nil
        }
        return local &- Int64(offset(assumed: zone)) &* 1000
    }

    /// The zone after a time in seconds east of UTC: `Z`, `+01:00`, ` +0100`; the assumed zone if there is none.
    @inline(__always)
    mutating func offset(assumed: Int32) -> Int {
        var probe = self
        if left >= 1, at[0] == 0x5A || at[0] == 0x7A { return 0 }
        if probe.left >= 6, probe.at[0] == 0x20 { probe.at += 1 }
        guard probe.left >= 3, probe.at[0] == 0x2B || probe.at[0] == 0x2D else { return Int(assumed) }
        // ` -` followed by a word is punctuation, so a zone after a space needs all four digits.
        let spaced = probe.at != at
        let west = probe.at[0] == 0x2D
        probe.at += 1
        probe.failed = false
        let hours = probe.two()
        _ = probe.skipIf(0x3A)
        let hasMinutes = probe.left >= 2 && probe.at[0] &- 0x30 <= 9 && probe.at[1] &- 0x30 <= 9
        let minutes = hasMinutes ? probe.two() : 0
        guard !probe.failed, hours <= 18, minutes <= 59, hasMinutes || !spaced else { return Int(assumed) }
        let seconds = hours &* 3600 &+ minutes &* 60
        return west ? -seconds : seconds
    }

    /// The first ISO-like timestamp that starts in the first 64 bytes.
    mutating func isoInside(zone: Int32) -> Int64? {
        let limit = min(left, 64)
        let start = at
        var index = 0
        while index &+ 16 <= left, index < limit {
            let probe = start + index
            // Checks the dash at the fifth byte first: it is rarer than a digit and so rejects faster.
            if probe[4] == 0x2D || probe[4] == 0x2F, probe[0] &- 0x30 <= 9,
                index == 0 || probe[-1] &- 0x30 > 9
            {
                var inner = StampCursor(probe, end: end)
                if let stamp = inner.iso(zone: zone) { return stamp }
            }
            index &+= 1
        }
        return nil
    }

    /// `I1120 21:16:03.123456`
    @inline(__always)
    mutating func klog(_ context: TimeContext) -> Int64? {
        guard left >= 14, at[0] == 0x49 || at[0] == 0x57 || at[0] == 0x45 || at[0] == 0x46 else { return nil }
        at += 1
        if at[4] != 0x20 { return datedKlog(zone: context.zoneOffset) }
        let month = two()
        let dayOfMonth = two()
        skip(0x20)
        return yearless(month: month, day: dayOfMonth, context)
    }

    /// `Nov 20 21:16:03`, the day padded with a space or a zero.
    @inline(__always)
    mutating func syslog(_ context: TimeContext) -> Int64? {
        guard left >= 15, at[3] == 0x20, at[6] == 0x20 else { return nil }
        guard let month = CivilDate.month(named: at[0], at[1], at[2]) else { return nil }
        at += 4
        let dayOfMonth: Int
        if at[0] == 0x20 {
            dayOfMonth = Int(at[1] &- 0x30)
            at += 2
        } else {
            dayOfMonth = two()
        }
        skip(0x20)
        return yearless(month: month, day: dayOfMonth, context)
    }

    /// Reads the time of day and picks the year in which the date is closest to the session's start.
    @inline(__always)
    mutating func yearless(month: Int, day dayOfMonth: Int, _ context: TimeContext) -> Int64? {
        let time = clock(separator: 0x3A)
        let milli = skipIf(0x2E) ? fraction() : 0
        let startDay = CivilDate.days(ofMilliseconds: context.sessionStart)
        var year = CivilDate(daysSince1970: startDay).year
        guard var day = day(year, month, dayOfMonth) else { return nil }
        if day &+ 183 < startDay { year &+= 1 } else if day &- 183 > startDay { year &-= 1 }
        day = CivilDate(year: year, month: month, day: dayOfMonth).daysSince1970
        return CivilTime.milliseconds(
            day: day, hour: time.hour, minute: time.minute, second: time.second, millisecond: milli
        )
        .map { $0 &- Int64(context.zoneOffset) &* 1000 }
    }
}
