import Catalog
import CrashAnalysis
import Harvest
import JSON
import Model
import SessionAPI
import Store

/// Objects that only commands print: they contain what the command line asked for, such as `--dry-run`.
extension Shapes {
    /// A pack that `prune` removes.
    static let prunedPack = JSONShape<PrunedPack>(
        "PrunedPack", "A pack that was removed, or would be.",
        [
            .text("session", "the session") { $0.removal.session },
            .optionalText("tag", "its tag") { $0.record.tag },
            .time("ended", "when it ended") { $0.record.at },
            .optionalText("pack", "the pack") { $0.record.pack },
            .unsigned("bytes", "its size on disk") { $0.removal.bytes },
            .text("reason", "the rule") { $0.removal.reason },
            .boolean("dry_run", "whether nothing was removed") { $0.isDryRun },
        ])

    /// A session that `prune` deletes from the ledger.
    static let forgottenSession = JSONShape<ForgottenSession>(
        "ForgottenSession", "A session whose ledger was deleted, or would be.",
        [
            .text("session", "the session") { $0.session },
            .time("ended", "when it ended") { $0.ended },
            .word("reason", ["history"], "`history`") { _ in "history" },
            .boolean("forgotten", "whether it was deleted") { !$0.isDryRun },
            .boolean("dry_run", "whether nothing was deleted") { $0.isDryRun },
        ])

    /// The totals of `prune`.
    static let pruneTotals = JSONShape<PruneTotals>(
        "PruneTotals", "What a prune removed and kept.",
        [
            .mark("totals", "tells this object from the others"),
            .integer("packs", "packs removed") { $0.summary.packs },
            .unsigned("bytes", "their size") { $0.summary.bytes },
            .integer("pinned", "sessions kept because they are pinned") { $0.summary.pinned },
            .integer("examples", "sessions kept as examples of their signatures") { $0.summary.examples },
            .integer("in_use", "packs left alone because a process uses them") { $0.summary.inUse },
            .integer("forgotten_sessions", "sessions deleted from the ledger") { $0.summary.forgotten },
            .unsigned("excess_bytes", "bytes over the limit that must be kept") { $0.summary.excess },
            .boolean("dry_run", "whether nothing was removed") { $0.isDryRun },
        ])

    /// A session that `pin` changed.
    static let pinned = JSONShape<PinnedSession>(
        "Pinned", "A session that was pinned or unpinned.",
        [
            .text("session", "the session") { $0.session },
            .boolean("pinned", "whether it is pinned now") { $0.isPinned },
        ])

    /// A backup that `backup --dry-run` would remove.
    static let doomedBackup = JSONShape<String>(
        "DoomedBackup", "A backup that `--keep` would remove.",
        [
            .text("backup", "its name") { $0 },
            .boolean("removed", "false: nothing was removed") { _ in false },
            .mark("dry_run", "nothing was removed"),
        ])

    /// The result of `restore`.
    static let restored = JSONShape<RestoredStore>(
        "Restored", "A store that was restored, or would be.",
        [
            .text("backup", "the backup") { $0.report.backup.path },
            .text("created", "when it was started, ISO-8601") { $0.report.backup.created },
            .text("store", "the store") { $0.store },
            .integer("files", "the backup's files") { $0.report.backup.files },
            .unsigned("bytes", "their size") { $0.report.backup.bytes },
            .integer("damaged", "files that are damaged or cannot be read") { $0.report.damaged.count },
            .integer("missing", "files that it never had or holds damaged") { $0.report.backup.gaps.count },
            .boolean("dry_run", "whether nothing was written") { $0.isDryRun },
        ])

    /// A change of a signature by `signatures refresh`.
    static let signatureChange = JSONShape<(change: SignatureChange, crashes: Int)>(
        "SignatureChange", "Crashes that got another signature.",
        [
            .text("from", "the earlier signature") { $0.change.from },
            .text("to", "the new one") { $0.change.to },
            .integer("crashes", "crashes") { $0.crashes },
        ])

    /// The totals of `signatures refresh`.
    static let signingTotals = JSONShape<SigningTotals>(
        "SigningTotals", "What `signatures refresh` did.",
        [
            .mark("totals", "tells this object from the others"),
            .integer("signed", "crashes and errors that were signed") { $0.report.signed },
            .integer("changed", "those that got another signature") { $0.changed },
            .integer("awaiting_symbols", "crashes whose symbols still cannot be read") { $0.report.awaitingSymbols },
            .integer("version", "the version of the rules") { _ in SignatureAlgorithm.version },
            .boolean("dry_run", "whether nothing was changed") { $0.isDryRun },
        ])

    /// An error on standard error.
    static let error = JSONShape<Failure>(
        "Error", "What failed, on which session and path, why, and what to do.",
        [
            .mark("error", "tells this object from results"),
            .text("code", "a stable name; for `salvage api`, the API's own code if it returned one") { $0.code },
            .text("message", "what failed and why, one sentence") { $0.message },
            .optionalText("session", "the session, as named on the command line") { $0.session },
            .optionalText(
                "path", "the file or container path; for an API error the request's path as the server gave it"
            ) {
                $0.path
            },
            .optionalText("hint", "what to do") { $0.hint },
        ] + answer.fields.map { $0.of { $0.answer } })

    /// What a response of the API says, as part of an error.
    static let answer = JSONShape<ServerAnswer>(
        "Answer", "What a response of the API with an error says besides its message.",
        [
            .optionalText("operation", "the operationId") { $0.operation },
            .optionalInteger("status", "the HTTP status; absent if there was no response") { $0.status },
            .optionalText("identifier", "the API's trace id, to quote to its support") { $0.identifier },
            .optionalText("details", "as the server gave them") { $0.details },
            .optionalText("timestamp", "as the server gave it") { $0.timestamp },
            .number("retry_after", "how long the server asks to wait, in seconds") { $0.retryAfter },
            .optionalText("body", "the beginning of a response that is not a JSON error") { $0.bodyExcerpt },
            .optionalObjects("violations", violation, "which fields of the request are invalid") {
                $0.violations.isEmpty ? nil : $0.violations
            },
        ])

    /// An invalid field of a request.
    static let violation = JSONShape<APIError.Violation>(
        "Violation", "A field of a request that the API refuses.",
        [
            .text("field", "the field") { $0.field },
            .text("description", "why") { $0.description },
        ])
}

/// A pack that `prune` removes, as it is printed.
struct PrunedPack: Sendable {
    let removal: RetentionPlan.Removal
    let record: SessionRecord
    let isDryRun: Bool
}

/// A session that `prune` deletes from the ledger, as it is printed.
struct ForgottenSession: Sendable {
    let session: String
    let ended: Int64
    let isDryRun: Bool
}

/// The totals of `prune`, as they are printed.
struct PruneTotals: Sendable {
    let summary: PruneSummary
    let isDryRun: Bool
}

/// A session that `pin` changed, as it is printed.
struct PinnedSession: Sendable {
    let session: String
    let isPinned: Bool
}

/// The result of `restore`, as it is printed.
struct RestoredStore: Sendable {
    let report: RestoreReport
    let store: String
    let isDryRun: Bool
}

/// The totals of `signatures refresh`, as they are printed.
struct SigningTotals: Sendable {
    let report: SigningReport
    let isDryRun: Bool

    /// The number of crashes that got another signature.
    var changed: Int { report.changes.values.reduce(0, +) }
}
