import Terminal
import Text

/// Times and spans of requests. JSON and addresses are in UTC.
enum RequestTime {
    /// A time in the past: a span counts back from now.
    static func past(_ text: String, now: Int64) -> Int64? { TimeText.parse(text.trimmed, now: now) }

    /// A time in the future: a span counts from now.
    static func future(_ text: String, now: Int64) -> Int64? {
        guard let span = TimeText.parseSpan(text.trimmed) else { return TimeText.parse(text.trimmed, now: now) }
        let (time, overflow) = now.addingReportingOverflow(span)
        return overflow ? nil : time
    }

    /// A span, in milliseconds.
    static func span(_ text: String) -> Int64? { TimeText.parseSpan(text.trimmed) }
}

extension String {
    /// The text without spaces and line ends around it.
    var trimmed: String {
        let bytes = utf8
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(Substring(bytes[first...last]))
    }
}
