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
