import Catalog
import LogSearch
import Model
import Terminal

/// The flags that select part of a log by time.
struct GrepTimeFlags {
    var last: String?
    var strictTime = false

    static var flags: [CommandFlag<Self>] {
        [
            .text("last", value: "span", "Only lines within this span before the end of each log: 2m, 30s.") {
                $0.last = $1
            },
            .toggle(
                "strict-time", nil, "Skip members whose time format is not known, instead of keeping all their lines."
            ) { $0.strictTime = true },
        ]
    }

    /// Applies `--since`, `--until` and `--last` to lines; `start+5m` is relative to each session's start.
    func apply(to search: inout SearchOptions, _ selection: SelectionOptions, now: Int64 = TimeText.now()) throws {
        var relative = RelativeWindow()
        relative.last = try last.map { try Self.span($0, flag: "--last") }
        relative.sinceStart = try Self.fromStart(selection.since, flag: "--since")
        // Exclusive, as with an instant.
        relative.untilStart = try Self.fromStart(selection.until, flag: "--until").map { $0 - 1 }
        if relative != RelativeWindow() { search.relative = relative }
        let since = relative.sinceStart == nil ? selection.since : nil
        let until = relative.untilStart == nil ? selection.until : nil
        let low = try SelectionOptions.instant(since, flag: "--since", now: now)
        let high = try SelectionOptions.instant(until, flag: "--until", now: now)
        if let low, let high, low >= high {
            throw Failure("bad_time", "--since is not before --until", status: .usage)
        }
        if low != nil || high != nil { search.window = (low ?? .min)...(high.map { $0 - 1 } ?? .max) }
        search.strictTime = strictTime
    }

    /// Returns the sessions that can hold such lines: those that ended after `--since`. `--until` does not apply, as a
    /// session that ended later may hold earlier lines.
    func catalogSelection(_ selection: SelectionOptions) throws -> Selection {
        var bounded = selection
        bounded.until = nil
        // --limit bounds what is printed, not the sessions searched.
        bounded.limit = nil
        if selection.since?.hasPrefix("start+") == true { bounded.since = nil }
        return try bounded.selection()
    }

    private static func fromStart(_ text: String?, flag: String) throws -> Int64? {
        guard let text, text.hasPrefix("start+") else { return nil }
        return try span(String(text.dropFirst(6)), flag: flag, typed: text)
    }

    /// Parses a span; `typed` is the flag's whole value, if the span is only a part of it.
    static func span(_ text: String, flag: String, typed: String? = nil) throws -> Int64 {
        guard let span = TimeText.parseSpan(text) else {
            throw Failure(
                "bad_time", "invalid value '\(typed ?? text)' for \(flag)", hint: "write a span like 30s, 2m or 1h",
                status: .usage)
        }
        return span
    }
}
