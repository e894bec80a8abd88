import Catalog
import Harvest
public import JSON
import Model
import Text

extension Shapes {
    /// What happened to one session, as `show` tells it.
    public static let sessionReport = JSONShape<SessionReport>(
        "SessionReport", "What happened to one session.",
        session.fields.map { $0.of { $0.session } } + reportFields + exports { $0.exports })

    private static let reportFields: [JSONField<SessionReport>] = [
        .text("explanation", "the state in a sentence") {
            LedgerSentence.of($0.session, $0.artifacts, now: $0.now)
        },
        .objects("artifacts", artifact, "the ledger's rows of its artifacts") { $0.artifacts },
        JSONField(
            "crash_reports", .list(.object(crash.name)), always: true,
            "the newest crashes, at most \(SessionReport.mostCrashes), as `crashes` prints them"
        ) { $1.add("crash_reports", json: $0.crashes.map(\.json).jsonArray) },
        .object("signature_history", signature, "all crashes with the signature of the newest crash") {
            $0.signature
        },
        .boolean("followed", "true if it has no pack and its log is or was followed") {
            $0.isFollowed ? true : nil
        },
        JSONField(
            "followed_crashes", .list(.object(crash.name)), always: true,
            "the crashes and errors in that log"
        ) { $1.add("followed_crashes", json: $0.followedCrashes.map { ListedCrash.followed($0).json }.jsonArray) },
        .optionalText("log_error", "why its log cannot be read") { report in
            if case .unreadable(let error) = report.log { error.message } else { nil }
        },
        .object("log", logTail, "the last lines of its log") { report in
            if case .lines(let lines, let path) = report.log { LogLines(path: path, lines: lines) } else { nil }
        },
    ]

    /// The last lines of a log.
    public static let logTail = JSONShape<LogLines>(
        "LogLines", "The last lines of a log.",
        [
            .text("path", "the member's path, escaped") { Escape.path($0.path) },
            .texts("lines", "the lines; bytes that are not UTF-8 become U+FFFD") { tail in
                tail.lines.map { String(decoding: $0, as: UTF8.self) }
            },
        ])

    /// The session of `why`.
    public static let explanation = JSONShape<SessionExplanation>(
        "Explanation", "A session's state, and the requests that were not for one artifact.",
        [
            .text("session", "the session") { $0.session.session },
            .word("state", SessionState.allCases.map(\.rawValue), "its state") { $0.session.state.rawValue },
            .optionalText("reason", "why the state is not `harvested`") { $0.session.reason },
            .time("deadline", "when the container is expected to be gone") { $0.session.deadline },
            .text("explanation", "the state in a sentence") {
                LedgerSentence.of($0.session, $0.artifacts, now: $0.now)
            },
            .objects("requests", request, "the requests for the session itself") { $0.otherRequests },
            .optionalInteger("requests_dropped", "earlier requests that are no longer kept") {
                $0.requestsDropped > 0 ? $0.requestsDropped : nil
            },
        ] + exports { $0.exports })

    /// One artifact of `why`.
    public static let explainedArtifact = JSONShape<ExplainedArtifact>(
        "ExplainedArtifact", "An artifact of a session, why it is as it is, and the requests for it.",
        [.text("session", "the session") { $0.artifact.session }]
            + artifact.fields.map { $0.of { $0.artifact } } + [
                .text("explanation", "the state in a sentence") {
                    LedgerSentence.of($0.artifact, deadline: $0.deadline, now: $0.now)
                },
                .objects("requests", request, "the requests for it") { $0.requests },
            ])

    /// The state of a store.
    public static let status = JSONShape<StatusReport>(
        "Status", "The state of a store.",
        [
            .text("store", "where it is") { $0.store },
            .counts("sessions", "sessions in each state") { report in
                SessionState.allCases.map { ($0.rawValue, report.totals.sessions[$0] ?? 0) }
            },
            .integer("backlog", "artifacts still to be fetched") { $0.totals.backlog },
            .integer("not_packed", "sessions that wait in the spool because they could not be packed") {
                $0.backlog.sessions
            },
            .optionalText("not_packed_reason", "why, for one of them") { $0.backlog.reason },
            .integer("exits_last_hour", "sessions first seen ended in the last hour") { $0.flow.exitsLastHour },
            .integer("artifacts_last_hour", "artifacts settled in the last hour") { $0.flow.artifactsLastHour },
            .unsigned("bytes_last_hour", "their bytes") { $0.flow.bytesLastHour },
            .integer("overdue", "pending sessions whose deadline has passed") { $0.flow.overdue },
            .integer("lost_last_day", "sessions lost in the last 24 hours") { $0.flow.lostLastDay },
            .optionalInteger("followed", "logs that are followed") { $0.followed },
            .time("next_deadline", "the earliest deadline of a pending session") { $0.totals.nextDeadline },
            .optionalText("next_session", "that session") { $0.totals.nextSession },
            JSONField("time_left_ms", .integer, always: false, "milliseconds until then; negative if it has passed") {
                report, line in
                line.add(
                    "time_left_ms", report.totals.nextDeadline.map { $0.subtractingReportingOverflow(report.now).0 })
            },
            .integer("packs", "packs") { $0.totals.packs },
            .unsigned("pack_bytes", "their size on disk") { $0.totals.packBytes },
            .integer("members", "members in them") { $0.totals.members },
            .unsigned("member_bytes", "the members' size") { $0.totals.memberBytes },
            .integer("crashes", "crashes of all sessions") { $0.totals.crashes },
            .optionalUnsigned("catalog_bytes", "the catalog's size; absent for a shared store") { $0.catalogBytes },
            .optionalUnsigned("free_bytes", "free space on the store's disk") { $0.freeBytes },
            .optionalObjects("absent_paths", absentPath, "paths of rules that are absent in every session") {
                $0.absentPaths.isEmpty ? nil : $0.absentPaths
            },
            .object("fleet", fleet, "for a shared store: its harvesters and what they share") { $0.fleet },
        ])
}

/// The last lines of a log.
public struct LogLines: Sendable {
    /// The path of the member that they are from.
    let path: [UInt8]
    /// The lines, without their ends.
    let lines: [[UInt8]]
}
