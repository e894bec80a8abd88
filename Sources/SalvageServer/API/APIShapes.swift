import Catalog
import CrashAnalysis
import JSON
import Model
import Store

/// The objects that only the server has.
enum APIShapes {
    /// A member of a session's pack, with the number by which it is downloaded.
    static let file = JSONShape<SessionMember>(
        "File", "One file of an artifact, or a log.",
        [.integer("n", "its number in `/sessions/{id}/files/{n}`") { $0.member.ordinal }] + Shapes.member.fields)

    /// The sessions and crashes of one hour or day.
    static let statistic = JSONShape<Statistic>(
        "Statistic", "The sessions that ended in one hour or day.",
        [
            .time("from", "when the hour or day begins") { $0.from },
            .optionalText("group", "the value that they are grouped by") { $0.group },
            .integer("sessions", "sessions that ended") { $0.sessions },
            .integer("crashed", "those of them that crashed") { $0.crashed },
            .integer("crashes", "their crashes") { $0.crashes },
        ])

    /// The crashes of one signature on one day.
    static let day = JSONShape<SignatureDay>(
        "SignatureDay", "The crashes with a signature on one day that has any.",
        [
            .text("day", "the day, in UTC") { $0.day },
            .optionalText("tag", "the build, if they are grouped by it") { $0.tag },
            .integer("crashes", "crashes") { $0.crashes },
        ])

    /// The log lines before one crash.
    static let lines = JSONShape<LinesBefore>(
        "LinesBefore", "The lines of a session's log before a crash.",
        [
            .text("session", "the session") { $0.session },
            .text("crash", "the crash") { $0.crash },
            .time("time", "when it crashed") { $0.time },
            .optionalText("tag", "the session's tag") { $0.tag },
            .optionalText("location", "the session's location") { $0.location },
            .texts("lines", "the lines; bytes that are not UTF-8 become U+FFFD") { $0.lines },
            .optionalText("problem", "why there are none") { $0.problem },
        ])

    /// The result of one check.
    static let finding = JSONShape<Finding>(
        "Finding", "The result of one check of the machine and the store.",
        [
            .text("check", "the check") { $0.name },
            .word("result", ["ok", "note", "warning", "failure"], "how much attention it needs") { $0.grade.rawValue },
            .text("message", "what was found") { $0.message },
            .optionalText("hint", "what to do") { $0.hint },
        ])

    /// How complete the collection of a group of sessions is.
    static let coverage = JSONShape<CoverageGroup>(
        "Coverage", "How much of what existed was collected.",
        [
            .optionalText("image", "the image, if they are grouped by it") { $0.image },
            .optionalText("rule", "the rule that is for them now, if they are grouped by it") { $0.rule },
        ]
            + Shapes.coverageTotals.fields.filter { $0.description.name != "totals" }.map { $0.of { $0.coverage } })

    /// Why what was collected for a session is as it is.
    static let ledger = JSONShape<SessionExplanation>(
        "Ledger", "A session's state, and what was requested for it.",
        Shapes.explanation.fields + [
            .objects("artifacts", Shapes.explainedArtifact, "its artifacts, with the requests for each") {
                $0.explainedArtifacts
            }
        ])

    /// A symbol file.
    static let symbol = JSONShape<SymbolStore.Entry>(
        "Symbol", "A file with symbols.",
        [
            .text("identity", "the build id, or the Breakpad debug id") { $0.identity },
            .text("kind", "`executable`, `debug` or `breakpad`") { $0.kind.rawValue },
            .unsigned("size", "its size in bytes") { $0.size },
        ])

    /// A build id without symbols.
    static let missingSymbol = JSONShape<MissingSymbols.Entry>(
        "MissingSymbol", "A build id that crashes need symbols for.",
        [
            .text("build_id", "the build id, or the Breakpad debug id") { $0.identity },
            .text("module", "the module's file name") { $0.module },
            .integer("crashes", "crashes that need it") { $0.crashes },
            .texts("builds", "the builds of those crashes") { $0.builds },
        ])

    /// What an upload of symbols added.
    static let added = JSONShape<SymbolsReport>(
        "SymbolsAdded", "What an upload of symbols added.",
        [
            .integer("added", "files added") { $0.addition.added.count },
            .integer("known", "files that were there already") { $0.addition.known },
            .integer("crashes", "crashes symbolicated again") { $0.crashes },
            .integer("signatures", "those that got a new signature") { $0.signatures },
        ])

    /// Who sends a request.
    static let identity = JSONShape<ServerContext>(
        "Identity", "Who sent the request.",
        [
            .text("name", "the name of the token or of the user") { $0.identity.name },
            .texts("roles", "what they may do") { $0.identity.roles.map(\.rawValue).sorted() },
            .text("form_token", "scripts of a page send it as `X-Salvage-Token`; empty for a bearer token") {
                $0.formToken
            },
        ])
}

/// The sessions and crashes of one hour or day.
struct Statistic: Sendable {
    let from: Int64
    let group: String?
    var sessions = 0
    var crashed = 0
    var crashes = 0
}

/// The crashes of one signature on one day.
struct SignatureDay: Sendable {
    let day: String
    let tag: String?
    let crashes: Int
}

/// The log lines before one crash.
struct LinesBefore: Sendable {
    let session: String
    let crash: String
    let time: Int64?
    let tag: String?
    let location: String?
    var lines: [String] = []
    var problem: String?
}

/// How complete the collection of a group of sessions is.
struct CoverageGroup: Sendable {
    let image: String?
    let rule: String?
    var coverage: Coverage
}
