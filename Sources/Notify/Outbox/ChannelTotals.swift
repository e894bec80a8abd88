import JSON
import Model

/// What happened to a channel's messages, and what was merged into counts.
struct ChannelTotals: Sendable, Equatable {
    /// Messages that the channel took.
    var delivered = 0
    /// Events that were given up.
    var failed = 0
    /// Tries that failed.
    var failures = 0
    /// Why the last try failed; nil after a success.
    var lastError: String?
    /// When that was (ms since 1970).
    var lastErrorTime: Int64?
    /// When messages of the last hour were first tried (ms since 1970), oldest first.
    var starts: [Int64] = []
    /// Events that wait as counts only, because too many waited.
    var merged: [MergedEvents] = []

    /// Nothing happened.
    init() {}

    /// Reads what `write` wrote.
    init(reading value: JSONValue) {
        delivered = Int(clamping: value["delivered"]?.int64 ?? 0)
        failed = Int(clamping: value["given_up"]?.int64 ?? 0)
        failures = Int(clamping: value["failures"]?.int64 ?? 0)
        lastError = value["last_error"]?.string
        lastErrorTime = value["last_error_time"]?.int64
        starts = (value["starts"]?.array ?? []).compactMap(\.int64)
        merged = (value["merged"]?.array ?? []).compactMap(MergedEvents.init(reading:))
    }

    func write(to line: inout JSONLine) {
        line.add("delivered", delivered)
        line.add("given_up", failed)
        line.add("failures", failures)
        line.add("last_error", lastError)
        line.add("last_error_time", lastErrorTime)
        line.add("starts", json: Array("[\(starts.map { "\($0)" }.joined(separator: ","))]".utf8))
        line.add("merged", merged) { object, events in
            object.add("event", events.kind.rawValue)
            object.add("count", events.count)
            object.add("first", events.first)
            object.add("id", events.id)
        }
    }
}
