extension StampCursor {
    /// The value of the first time key of a JSON line.
    ///
    /// A key is a whole quoted word followed by a colon. The value of another key cannot be mistaken for one, because
    /// quotes are escaped inside JSON strings.
    mutating func json(zone: Int32) -> Int64? {
        guard left >= 8, at[0] == 0x7B else { return nil }
        while left >= 6 {
            // Scans from quote to quote.
            guard at[0] == 0x22 else {
                at += 1
                continue
            }
            guard let length = Self.keyLength(at + 1, left: left &- 1) else {
                at += 1
                continue
            }
            var probe = self
            probe.at += length &+ 2
            while probe.skipIf(0x20) {}
            guard probe.skipIf(0x3A) else {
                at += 1
                continue
            }
            while probe.skipIf(0x20) {}
            if let stamp = probe.jsonValue(zone: zone) { return stamp }
            at += 1
        }
        return nil
    }

    /// Length of the time key that begins here and ends with a quote.
    @inline(__always)
    private static func keyLength(_ at: UnsafePointer<UInt8>, left: Int) -> Int? {
        guard left >= 3 else { return nil }
        switch at[0] {
        case 0x74, 0x54:  // t, T
            if at[1] == 0x22 { return 1 }
            if at[1] == 0x73, at[2] == 0x22 { return 2 }
            if matches(at, left, "time") { return 4 }
            if matches(at, left, "timestamp") { return 9 }
            if matches(at, left, "Timestamp") { return 9 }
            if matches(at, left, "Time") { return 4 }
            if matches(at, left, "timeMillis") { return 10 }
        case 0x40:  // @
            if at[1] == 0x74, at[2] == 0x22 { return 2 }
            if matches(at, left, "@timestamp") { return 10 }
        case 0x64:  // d
            if matches(at, left, "datetime") { return 8 }
            if matches(at, left, "date") { return 4 }
        case 0x61:  // a
            if matches(at, left, "asctime") { return 7 }
        case 0x65:  // e
            if matches(at, left, "epochSecond") { return 11 }
        default: break
        }
        return nil
    }

    @inline(__always)
    private static func matches(_ at: UnsafePointer<UInt8>, _ left: Int, _ key: StaticString) -> Bool {
        let count = key.utf8CodeUnitCount
        guard left > count, at[count] == 0x22 else { return false }
        let wanted = key.utf8Start
        for index in 0..<count where at[index] != wanted[index] { return false }
        return true
    }

    /// ISO text, epoch text, or an epoch number.
    private mutating func jsonValue(zone: Int32) -> Int64? {
        if skipIf(0x22) {
            if left >= 5, at[4] == 0x2D || at[4] == 0x2F { return iso(zone: zone) }
            return epoch()
        }
        return epoch()
    }
}
