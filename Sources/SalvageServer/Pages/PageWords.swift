import Calendar
import Terminal
import Text

/// Numbers and times as pages show them.
enum PageWords {
    /// A point in time for the partial `time`: UTC, which the script shows in the reader's zone.
    static func time(_ milliseconds: Int64) -> PageModel.Value {
        .one([
            "iso": .shown(ISO8601.text(clamping: milliseconds)),
            "utc": .shown(String(TimeText.table(milliseconds)) + " UTC"),
        ])
    }

    /// A share as a percentage with a decimal below ten: `7.3 %`, `41 %`; a share above nothing is never `0 %`.
    static func percent(_ share: Double) -> String {
        guard share.isFinite else { return "–" }
        let tenths = (share * 1000).rounded()
        if tenths <= 0, share > 0 { return "< 0.1 %" }
        if tenths < 100 {
            let whole = Int(tenths)
            return "\(whole / 10).\(whole % 10) %"
        }
        return "\(Int((share * 100).rounded())) %"
    }

    /// A count with thin groups of thousands: `12 345`.
    static func count(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var out = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out += "\u{2009}" }
            out.append(digit)
        }
        return out
    }

    /// The range in which the true share lies with a confidence of 95 %, by Wilson's score; nil without trials.
    static func interval(_ hits: Int, of trials: Int) -> (low: Double, high: Double)? {
        guard trials > 0 else { return nil }
        let (n, z) = (Double(trials), 1.959964)
        let share = min(1, max(0, Double(hits) / n))
        let denominator = 1 + z * z / n
        let center = (share + z * z / (2 * n)) / denominator
        let half = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot() / denominator
        return (max(0, center - half), min(1, center + half))
    }

    /// The interval in words: `3.1–6.4 %`; nil without sessions.
    static func intervalText(_ hits: Int, of trials: Int) -> String? {
        interval(hits, of: trials).map { low, high in
            let ends = (percent(low).dropLast(2), percent(high))
            return "\(ends.0)–\(ends.1)"
        }
    }

    /// How long ago something was, with words for the future.
    static func ago(_ time: Int64, now: Int64) -> String {
        let (span, overflow) = now.subtractingReportingOverflow(time)
        guard !overflow else { return "long ago" }
        return span >= 0 ? "\(TimeText.span(span)) ago" : "in \(TimeText.span(0 &- span))"
    }
}
