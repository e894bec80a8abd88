public import JSON
import Model

/// What happened to one crash at one service: an entry of the export's ledger.
public struct ExportEntry: Sendable, Equatable {
    /// The state of a crash at a service.
    public enum State: String, Sendable, CaseIterable {
        /// It waits to be sent.
        case waiting
        /// The service took it.
        case sent
        /// It will not be sent.
        case skipped
    }

    /// The crash's id.
    public var crash: String
    /// Its session's id.
    public var session: String
    /// The state.
    public var state: State
    /// When it took that state (ms since 1970).
    public var time: Int64
    /// The event's id at the service; nil if it was skipped.
    public var event: String?
    /// Whether its minidump was sent with it; nil unless it was sent.
    public var minidump: Bool?
    /// Why it was skipped, or sent without a minidump that it has; of a waiting one, why the last try failed.
    public var reason: String?

    /// Creates an entry.
    public init(
        crash: String, session: String, state: State, time: Int64, event: String? = nil, minidump: Bool? = nil,
        reason: String? = nil
    ) {
        self.crash = crash
        self.session = session
        self.state = state
        self.time = time
        self.event = event
        self.minidump = minidump
        self.reason = reason
    }

    /// The service's name. There is one.
    static let service = "sentry"

    /// Its JSON object.
    public static let shape = JSONShape<ExportEntry>(
        "CrashExport", "What happened to a crash at a service outside that receives crashes.",
        [
            .text("crash", "the crash") { $0.crash },
            .text("service", "the service: `sentry`") { _ in service },
            .word("state", State.allCases.map(\.rawValue), "whether it waits, was sent or is not sent") {
                $0.state.rawValue
            },
            .time("time", "since when") { $0.time },
            .optionalText("event", "the event's id at the service") { $0.event },
            .boolean("minidump", "whether its minidump was sent") { $0.minidump },
            .optionalText(
                "reason", "why it is not sent, or was sent without its minidump, or why the last try failed"
            ) { $0.reason },
        ])

    /// The line in a ledger.
    var line: [UInt8] {
        var line = JSONLine()
        line.add("session", session)
        line.add("crash", crash)
        line.add("state", state.rawValue)
        line.add("time", time)
        line.add("event", event)
        line.add("minidump", minidump)
        line.add("reason", reason)
        return line.utf8
    }

    /// Reads a line; nil if it is not an entry of this version.
    init?(_ line: some Sequence<UInt8>) {
        guard let value = try? JSONValue(parsing: line) else { return nil }
        self.init(reading: value)
    }

    init?(reading value: JSONValue) {
        guard let crash = value["crash"]?.string, let session = value["session"]?.string,
            let state = value["state"]?.string.flatMap(State.init(rawValue:)), let time = value["time"]?.int64
        else { return nil }
        self.init(
            crash: crash, session: session, state: state, time: time, event: value["event"]?.string,
            minidump: value["minidump"]?.bool, reason: value["reason"]?.string)
    }
}
