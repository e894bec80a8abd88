import JSON

/// The fields of a crash record that the catalog sorts and groups by. A field of an unexpected type is treated as
/// absent, so that packs of a later version can be indexed.
///
/// Only the outermost object is read: the thousands of bytes of frames and modules in a record are skipped without
/// decoding, so that the disk bounds a reindex of 100,000 crashes.
struct CrashColumns: Equatable {
    var id: String?
    var kind: String?
    var signal: String?
    var exception: String?
    var thread: String?
    var signature: String?
    var quality: String?
    var stackHash: String?
    /// Milliseconds since 1970.
    var time: Int64?

    /// Reads the known fields; bytes that are not a JSON object yield none, a damaged object those before the damage.
    init(json: [UInt8]) {
        json.withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            try? read(&cursor)
        }
    }

    private mutating func read(_ cursor: inout JSONCursor) throws(JSONFault) {
        let scratch = JSONScratch()
        var number: String?
        defer { thread = thread ?? number }
        try cursor.eachMember(depth: 0) { (key, cursor) throws(JSONFault) in
            let value = try Self.text(&cursor, depth: 1, scratch)
            switch (try? cursor.text(key, in: scratch)) ?? "" {
            case "crash": id = id ?? value
            case "kind": kind = kind ?? value
            case "signal": signal = signal ?? value
            case "exception": exception = exception ?? value
            case "thread": number = number ?? value
            case "thread_name": thread = thread ?? value
            case "signature": signature = signature ?? value
            case "signature_quality": quality = quality ?? value
            case "stack_hash": stackHash = stackHash ?? value
            case "time": time = time ?? value.flatMap { Int64($0) ?? Self.milliseconds($0) }
            default: break
            }
        }
    }

    /// Moves past a value and returns it as text: a string unescaped, a number as written, an object as the text of its
    /// `name`; nil for anything else.
    private static func text(
        _ cursor: inout JSONCursor, depth: Int, _ scratch: JSONScratch
    ) throws(JSONFault) -> String? {
        switch try cursor.token() {
        case UInt8(ascii: "\""):
            let span = try cursor.string()
            return try? cursor.text(span, in: scratch)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return cursor.source(try cursor.number())
        // One level only, to bound the recursion.
        case UInt8(ascii: "{") where depth == 1:
            var name: String?
            try cursor.eachMember(depth: depth) { (key, cursor) throws(JSONFault) in
                if name == nil, cursor.matches(key, "name", in: scratch) {
                    name = try text(&cursor, depth: depth + 1, scratch)
                } else {
                    try cursor.skipValue(depth: depth + 1)
                }
            }
            return name
        default:
            try cursor.skipValue(depth: depth)
            return nil
        }
    }

    /// ISO-8601 in UTC, with or without a fraction of the second: `2026-11-20T21:16:03.123Z`.
    private static func milliseconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard bytes.count >= 20, bytes.count <= 40, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"),
            bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"), let year = number(0..<4),
            let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month),
            (1...31).contains(day),
            hour < 24, minute < 60, second < 61
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: ".") else { return nil }
            let digits = (Array(bytes[20..<(bytes.count - 1)]) + [0x30, 0x30, 0x30]).prefix(3)
            for digit in digits {
                guard (0x30...0x39).contains(digit) else { return nil }
                fraction = fraction * 10 + Int64(digit - 0x30)
            }
        }
        // Days since 1970, after Howard Hinnant's chrono-compatible algorithms.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
    }
}
