/// The full date and time at the head of a log line; only the forms that need no other knowledge of the log.
enum LogStamp {
    private static let searched = 80

    /// Milliseconds since 1970 of `2026-11-20T21:23:20.123`, `2026/11/20 21:23:20`, `[2026.11.20-21.23.20:123]` and
    /// their like, taken as UTC; nil where a line has none near its beginning.
    static func milliseconds(in line: String) -> Int64? {
        let bytes = Array(line.utf8.prefix(searched + 32))
        guard bytes.count >= 19 else { return nil }
        for at in 0...min(searched, bytes.count - 19)
        where bytes[at] == UInt8(ascii: "2") || bytes[at] == UInt8(ascii: "1") {
            if at > 0, digit(bytes[at - 1]) != nil { continue }
            if let found = parse(bytes[at...]) { return found }
        }
        return nil
    }

    private static func digit(_ byte: UInt8) -> Int64? { (0x30...0x39).contains(byte) ? Int64(byte - 0x30) : nil }

    private static func number(_ bytes: ArraySlice<UInt8>, _ from: Int, _ count: Int) -> Int64? {
        var value: Int64 = 0
        for step in 0..<count {
            guard from + step < bytes.endIndex, let next = digit(bytes[from + step]) else { return nil }
            value = value * 10 + next
        }
        return value
    }

    private static func parse(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let at = bytes.startIndex
        func separator(_ offset: Int, _ allowed: StaticString) -> Bool {
            allowed.withUTF8Buffer { $0.contains(bytes[at + offset]) }
        }
        guard bytes.count >= 19, let year = number(bytes, at, 4), separator(4, "-./"),
            let month = number(bytes, at + 5, 2),
            separator(7, "-./"), let day = number(bytes, at + 8, 2), separator(10, "T -_"),
            let hour = number(bytes, at + 11, 2), separator(13, ":."), let minute = number(bytes, at + 14, 2),
            separator(16, ":."), let second = number(bytes, at + 17, 2), (1970...2200).contains(year),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count >= 23, separator(19, ".,:"), let thousandths = number(bytes, at + 20, 3) {
            fraction = thousandths
        }
        // Days from civil (Howard Hinnant's algorithm).
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
    }
}
