import Calendar

extension StampCursor {
    private static let searched = 80
    /// In an access log, the client's address and the user come first.
    private static let searchedForName = 160

    /// `11/20/2026 21:16:03`, `20.11.2026 21:16:03`, `11/20/26, 9:16:03 PM`, within the first 80 bytes.
    mutating func numericDate(monthFirst: Bool, _ context: TimeContext) -> Int64? {
        let limit = min(left, Self.searched)
        let start = at
        var index = 0
        while index < limit, index &+ 14 <= left {
            let probe = start + index
            if probe[0] &- 0x30 <= 9, index == 0 || Self.isBoundary(probe[-1]) || probe[-1] == 0x3A {
                let mark = probe[1] &- 0x30 <= 9 ? probe[2] : probe[1]
                if mark == 0x2F || mark == 0x2E || mark == 0x2D {
                    var inner = StampCursor(probe, end: end)
                    if let stamp = inner.numericDateHere(monthFirst: monthFirst, mark, context) { return stamp }
                }
            }
            index &+= 1
        }
        return nil
    }

    private mutating func numericDateHere(monthFirst: Bool, _ mark: UInt8, _ context: TimeContext) -> Int64? {
        // No format writes the month first with dots.
        guard !(monthFirst && mark == 0x2E) else { return nil }
        let first = oneOrTwo()
        skip(mark)
        let second = oneOrTwo()
        skip(mark)
        guard !failed, left >= 8 else { return nil }
        var year = two()
        if at[0] &- 0x30 <= 9 { year = year &* 100 &+ two() } else { year &+= 2000 }
        guard year >= 1970, year <= 2200 else { return nil }
        _ = skipIf(0x2C)
        guard left > 0, at[0] == 0x20 || at[0] == 0x2D || at[0] == 0x54 || at[0] == 0x5F else { return nil }
        at += 1
        if left > 2, at[0] == 0x2D, at[1] == 0x20 { at += 2 }
        guard var day = monthFirst ? day(year, first, second) : day(year, second, first) else { return nil }
        // `05/06/2026` is ambiguous: use the other reading if only that one is near the session's start.
        if mark != 0x2E, context.sessionStart != 0, first <= 12, second <= 12,
            let other = monthFirst ? self.day(year, second, first) : self.day(year, first, second)
        {
            let start = CivilDate.days(ofMilliseconds: context.sessionStart)
            if abs(day &- start) > Self.near, abs(other &- start) <= Self.near { day = other }
        }
        return atTime(day, zone: context.zoneOffset)
    }

    /// Days from the session's start within which a date is considered near.
    private static let near = 3

    /// Reads the time of day that follows, on that day, in its zone.
    private mutating func atTime(_ day: Int, zone: Int32) -> Int64? {
        guard let time = timeOfDay() else { return nil }
        return Int64(day) &* 86_400_000 &+ time &- Int64(offset(assumed: zone)) &* 1000
    }

    /// A date with the month's name within the first 160 bytes.
    mutating func namedMonth(zone: Int32) -> Int64? {
        let limit = min(left, Self.searchedForName)
        let start = at
        var index = 0
        while index < limit, index &+ 15 <= left {
            let probe = start + index
            if probe[0] &- 0x41 <= 18, let month = CivilDate.month(named: probe[0], probe[1], probe[2]) {
                var inner = StampCursor(probe + 3, end: end)
                let stamp =
                    index > 0 && Self.isDayMark(probe[-1])
                    ? inner.behindNamedMonth(month, dayBefore: probe, from: start, zone: zone) : nil
                if let stamp { return stamp }
                inner = StampCursor(probe + 3, end: end)
                if index == 0 || Self.isBoundary(probe[-1]), let stamp = inner.behindLeadingMonth(month, zone: zone) {
                    return stamp
                }
            }
            index &+= 1
        }
        return nil
    }

    /// Whether the byte may be between the day and the month: `20/Nov`, `20-Nov`, `20 Nov`, `20Nov`.
    @inline(__always)
    private static func isDayMark(_ byte: UInt8) -> Bool {
        byte == 0x2F || byte == 0x2D || byte == 0x20 || byte &- 0x30 <= 9
    }

    /// `/2026:21:16:03 +0000` after `20/Nov`.
    private mutating func behindNamedMonth(
        _ month: Int, dayBefore name: UnsafePointer<UInt8>, from start: UnsafePointer<UInt8>, zone: Int32
    ) -> Int64? {
        var last = name - 1
        if last[0] &- 0x30 > 9 {
            guard last > start else { return nil }
            last -= 1
        }
        guard last[0] &- 0x30 <= 9 else { return nil }
        var dayOfMonth = Int(last[0] &- 0x30)
        if last > start, last[-1] &- 0x30 <= 9 {
            last -= 1
            dayOfMonth &+= Int(last[0] &- 0x30) &* 10
        }
        guard last == start || Self.isBoundary(last[-1]) else { return nil }
        if left > 0, at[0] == 0x2F || at[0] == 0x2D || at[0] == 0x20 { at += 1 }
        let year = four()
        _ = skipIf(0x2C)
        guard left > 0, at[0] == 0x3A || at[0] == 0x20, let day = day(year, month, dayOfMonth) else { return nil }
        at += 1
        return atTime(day, zone: zone)
    }

    /// ` 20, 2026 9:16:03 PM` after `Nov`.
    private mutating func behindLeadingMonth(_ month: Int, zone: Int32) -> Int64? {
        guard skipIf(0x20) else { return nil }
        while skipIf(0x20) {}
        let dayOfMonth = oneOrTwo()
        _ = skipIf(0x2C)
        skip(0x20)
        let year = four()
        _ = skipIf(0x2C)
        skip(0x20)
        guard let day = day(year, month, dayOfMonth) else { return nil }
        return atTime(day, zone: zone)
    }

    /// `Fri Nov 20 21:16:03 2026`, `[Fri Nov 20 21:16:03.123456 2026]`, `Fri Nov 20 21:16:03 UTC 2026`
    mutating func ctime(zone: Int32) -> Int64? {
        if left > 0, at[0] == 0x5B || at[0] == 0x28 { at += 1 }
        guard left >= 24, at[3] == 0x20, at[7] == 0x20, Self.isWeekday(at),
            let month = CivilDate.month(named: at[4], at[5], at[6])
        else { return nil }
        at += 8
        while skipIf(0x20) {}
        let dayOfMonth = oneOrTwo()
        skip(0x20)
        guard !failed, let time = timeOfDay(), skipIf(0x20) else { return nil }
        var isUTC = false
        if left >= 8, at[0] &- 0x41 <= 25 {
            isUTC = at[0] == 0x55 && at[1] == 0x54 || at[0] == 0x47 && at[1] == 0x4D
            var letters = 0
            while left > 0, at[0] != 0x20, letters < 6 {
                at += 1
                letters &+= 1
            }
            guard skipIf(0x20) else { return nil }
        }
        let year = four()
        guard let day = day(year, month, dayOfMonth) else { return nil }
        return Int64(day) &* 86_400_000 &+ time &- (isUTC ? 0 : Int64(zone) &* 1000)
    }

    private static func isWeekday(_ at: UnsafePointer<UInt8>) -> Bool {
        switch (at[0], at[1], at[2]) {
        case (0x4D, 0x6F, 0x6E), (0x54, 0x75, 0x65), (0x57, 0x65, 0x64), (0x54, 0x68, 0x75), (0x46, 0x72, 0x69),
            (0x53, 0x61, 0x74), (0x53, 0x75, 0x6E):
            true
        default: false
        }
    }

    /// `11-20 21:16:03.123`, `11/20 21:16:03`, optionally in brackets.
    @inline(__always)
    mutating func monthDay(_ context: TimeContext) -> Int64? {
        if left > 0, at[0] == 0x5B || at[0] == 0x28 { at += 1 }
        guard left >= 14, at[2] == 0x2D || at[2] == 0x2F, at[5] == 0x20 else { return nil }
        let month = two()
        at += 1
        let dayOfMonth = two()
        skip(0x20)
        return yearless(month: month, day: dayOfMonth, context)
    }

    /// `20261120 21:16:03.123456` after the level, as in newer glog.
    mutating func datedKlog(zone: Int32) -> Int64? {
        guard left >= 17, at[8] == 0x20 else { return nil }
        let year = four()
        let month = two()
        let dayOfMonth = two()
        skip(0x20)
        guard year >= 1970, year <= 2200, let day = day(year, month, dayOfMonth), let time = timeOfDay() else {
            return nil
        }
        return Int64(day) &* 86_400_000 &+ time &- Int64(zone) &* 1000
    }

    /// The full date at the beginning of the line, in any format.
    func fullDate(_ context: TimeContext) -> Int64? {
        guard left >= 16 else { return nil }
        let zone = context.zoneOffset
        var cursor = self
        switch at[0] {
        case 0x5B, 0x28:  // [ (
            if let stamp = cursor.unreal() { return stamp }
            cursor = self
            cursor.at += 1
        case 0x4C:  // L
            return cursor.source(zone: zone)
        case 0x7B:  // {
            return cursor.json(zone: zone)
        default: break
        }
        return cursor.plainDate(context)
    }

    private func plainDate(_ context: TimeContext) -> Int64? {
        guard left >= 16 else { return nil }
        let zone = context.zoneOffset
        var cursor = self
        if at[0] &- 0x30 <= 9 {
            if let stamp = cursor.iso(zone: zone) { return stamp }
            let mark = at[1] &- 0x30 <= 9 ? at[2] : at[1]
            if mark == 0x2F || mark == 0x2E || mark == 0x2D {
                for monthFirst in [true, false] {
                    cursor = self
                    if let stamp = cursor.numericDateHere(monthFirst: monthFirst, mark, context) { return stamp }
                }
            }
            // The month's name begins within the first four bytes.
            for place in 1...3 where at[place] &- 0x41 <= 18 {
                guard let month = CivilDate.month(named: at[place], at[place + 1], at[place + 2]) else { continue }
                cursor = StampCursor(at + place + 3, end: end)
                return cursor.behindNamedMonth(month, dayBefore: at + place, from: at, zone: zone)
            }
            return nil
        }
        return cursor.ctime(zone: zone)
    }
}
