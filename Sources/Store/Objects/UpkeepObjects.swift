public import Catalog
public import CrashAnalysis
public import Harvest
public import Ingest
public import JSON
import Model
import Pack
import Text

extension Shapes {
    /// A check of `doctor`.
    public static let finding = JSONShape<Finding>(
        "Finding", "The result of one check of a machine or a store.",
        [
            .text("check", "the check") { $0.name },
            .word("result", ["ok", "note", "warning", "failure"], "how much attention it needs") { $0.grade.rawValue },
            .text("message", "what was found") { $0.message },
            .optionalText("hint", "what to do") { $0.hint },
        ])

    /// The result of `reindex`.
    public static let reindex = JSONShape<ReindexReport>(
        "Reindex", "What was indexed, and what could not be.",
        [
            .integer("indexed", "packs indexed") { $0.indexed },
            .texts("damaged", "damaged packs") { $0.damaged.map(\.path) },
            .texts("superseded", "packs of sessions that have another one") { $0.superseded.map(\.path) },
            .texts("missing", "sessions whose pack is gone") { $0.missing },
            .texts("unreadable", "folders and packs that cannot be read now") { $0.unreadable.map(\.path) },
            .texts("unknown", "sessions of which it could not be checked whether the pack exists") {
                $0.unknown.map(\.session)
            },
            .optionalText("set_aside", "where the damaged catalog was kept") { $0.setAside },
        ])

    /// The result of `harvest`.
    public static let harvest = JSONShape<HarvestSummary>(
        "Harvest", "The result of one pass over the sessions of the API.",
        [
            .integer("seen", "sessions in the API's lists") { $0.progress.seen },
            .integer("running", "those that run") { $0.progress.running },
            .integer("harvested", "sessions of which everything was collected") { $0.progress.done[.harvested] ?? 0 },
            .integer("partial", "sessions that lack something") { $0.progress.done[.partial] ?? 0 },
            .integer("skipped", "sessions left out on purpose") { $0.progress.done[.skipped] ?? 0 },
            .integer("lost", "sessions of which nothing was collected") { $0.progress.done[.lost] ?? 0 },
            .integer("pending", "sessions left for the next pass") { $0.unfinished },
            .optionalInteger("unreadable_list_entries", "entries of the lists that could not be read") {
                $0.rejectedEntries > 0 ? $0.rejectedEntries : nil
            },
            JSONField("bytes", .integer, always: true, "bytes downloaded") { $1.add("bytes", $0.progress.bytes) },
            .integer("again", "finished sessions of which more was requested") { $0.again },
            .optionalObjects("absent_paths", absentPath, "paths of rules that are absent in every session") {
                $0.absentPaths.isEmpty ? nil : $0.absentPaths
            },
        ])

    /// The verdict on one file of `ingest` and `verify FILE`.
    public static let verdict = JSONShape<JudgedFile>(
        "Verdict", "What a file turned out to be.",
        [
            .text("file", "the file") { $0.file },
            .optionalText("session", "the session") { $0.session },
            .text("verdict", "`ok`, `incomplete`, `corrupt`, `not_an_archive` or `not_judged`") {
                $0.verdict.verdict.rawValue
            },
            .texts("flags", "what is odd about it") { $0.verdict.flags },
            .unsigned("entries", "members kept") { $0.verdict.entries },
            .unsigned("bytes", "their size") { $0.verdict.bytes },
            .optionalText("first_error", "the first error") { $0.verdict.firstError },
        ])

    /// A problem that `verify` finds.
    public static let problem = JSONShape<FoundProblem>(
        "Problem", "A pack or another file of the store that is not as it should be.",
        [
            .text("file", "the file, relative to the store") { $0.file },
            .optionalText("session", "the session") { $0.session },
            .text(
                "verdict",
                "`ok` (of a pack that was named), `corrupt`, `missing`, `unreadable`, `differs`, `not_in_catalog`, "
                    + "`set_aside`, `foreign` or `other_layout`"
            ) { $0.verdict },
            .texts("flags", "what is odd about it") { $0.flags },
            .optionalTexts("members", "the members concerned, escaped") { $0.members },
            .optionalText("first_error", "what is wrong") { $0.errors.first },
            .optionalTexts("errors", "all that is wrong, if it is several things") {
                $0.errors.count > 1 ? $0.errors : nil
            },
            .optionalText("still_good", "what can still be read") { $0.stillGood },
            .optionalText("hint", "what to do") { $0.hint },
        ])

    /// A file of the symbol store.
    public static let symbolFile = JSONShape<SymbolStore.Entry>(
        "SymbolFile", "A file of the symbol store.",
        [
            .text("identity", "the build id, the Breakpad debug id, or the digest of the program's first page") {
                $0.identity
            },
            .word("kind", ["executable", "debug", "breakpad"], "what it provides") { $0.kind.rawValue },
            .unsigned("size", "its size") { $0.size },
            .text("path", "where it is") { $0.path },
        ])

    /// A build id that crashes need symbols for.
    public static let missingSymbols = JSONShape<MissingSymbols.Entry>(
        "MissingSymbols", "A module that crashes need symbols for.",
        [
            .text("build_id", "its build id, or Breakpad debug id") { $0.identity },
            .text("module", "its file name") { $0.module },
            .integer("crashes", "crashes with a frame in it that has no name") { $0.crashes },
            .texts("builds", "the builds of these crashes, `image:tag`") { $0.builds },
        ])

    /// The result of `symbols add`.
    public static let symbolsAdded = JSONShape<SymbolsReport>(
        "SymbolsAdded", "What was added to the symbol store, and what it changed.",
        [
            .integer("added", "files added") { $0.addition.added.count },
            .unsigned("added_bytes", "their size") { $0.addition.added.reduce(UInt64(0)) { $0 &+ $1.size } },
            .integer("known", "files that were there already") { $0.addition.known },
            .integer("skipped", "files that are not symbols") { $0.addition.skipped },
            .texts("without_build_id", "executables that have no build id") { $0.addition.withoutBuildID },
            .integer("crashes", "crashes whose records changed") { $0.crashes },
            .integer("signatures", "those of them that got another signature") { $0.signatures },
            .integer("awaiting_symbols", "crashes whose symbols cannot be read now") { $0.awaitingSymbols },
        ])

    /// The result of `backup`.
    public static let backup = JSONShape<BackupReport>(
        "Backup", "A backup that was made.",
        [
            .text("backup", "its folder") { $0.backup.path },
            .integer("files", "its files") { $0.backup.files },
            .unsigned("bytes", "their size") { $0.backup.bytes },
            .integer("copied", "files that were copied") { $0.copied },
            .unsigned("copied_bytes", "their size") { $0.copiedBytes },
            .integer("linked", "files shared with the store") { $0.linked },
            .integer("unchanged", "files shared with the backup before") { $0.unchanged },
            .integer("missing", "files of the store that it lacks or holds damaged") { $0.backup.gaps.count },
            .boolean("same_disk", "whether it is on the store's disk") { $0.sharesDisk },
            .texts("removed_backups", "older backups that were removed") { $0.removed },
        ])

    /// The result of `backup --verify`.
    public static let verifiedBackup = JSONShape<BackupVerification>(
        "VerifiedBackup", "A backup that was read.",
        [
            .text("backup", "its folder") { $0.backup.path },
            .integer("files", "its files") { $0.backup.files },
            .unsigned("bytes", "their size") { $0.backup.bytes },
            .integer("damaged", "files that are damaged or missing") { $0.damaged.count },
            .integer("missing", "files of the store that it never had or holds damaged") { $0.backup.gaps.count },
        ])

    /// The result of `export`.
    public static let export = JSONShape<ExportReport>(
        "Export", "What was written.",
        [
            .text("session", "the session") { $0.pack.session.session },
            .text("to", "the folder or the bundle") { $0.target },
            .integer("files", "files written") { $0.files },
            .unsigned("bytes", "their size") { $0.bytes },
            .integer("left_out", "links and devices that are in the metadata only") { $0.leftOut },
            .texts("damaged", "members of which only the intact parts were written") { $0.damaged },
            .optionalText("artifacts_damage", "what is wrong with the pack's list of artifacts") {
                $0.pack.artifactsDamage?.description
            },
        ])
}

/// The verdict on one archive.
public struct JudgedFile: Sendable {
    /// The file.
    public let file: String
    /// The session that it belongs to, if any.
    public let session: String?
    /// The verdict.
    public let verdict: ArtifactVerdict

    /// Creates a value.
    public init(file: String, session: String?, verdict: ArtifactVerdict) {
        self.file = file
        self.session = session
        self.verdict = verdict
    }
}

/// A problem of a store as it is reported, whatever found it.
public struct FoundProblem: Sendable {
    /// The file, relative to the store.
    public let file: String
    /// The session that it belongs to, if any.
    public let session: String?
    /// What is wrong in a word.
    public let verdict: String
    /// What is odd about the file.
    public let flags: [String]
    /// The members concerned, escaped; nil if it is no pack.
    public let members: [String]?
    /// What is wrong, one sentence each.
    public let errors: [String]
    /// What can still be read.
    public let stillGood: String?
    /// What to do.
    public let hint: String?

    /// Takes a problem that is not damage of a pack.
    public init(_ problem: StoreProblem) {
        (file, session, verdict) = (problem.file, problem.session, problem.verdict.rawValue)
        (flags, members, stillGood) = ([], nil, nil)
        errors = problem.message.map { [$0] } ?? []
        hint = problem.hint
    }

    /// Takes the judgement of a pack.
    public init(_ judgement: PackJudgement, file: String, session: String?, hint: String?) {
        (self.file, self.session, self.hint) = (file, session, hint)
        verdict = judgement.isSound ? "ok" : judgement.isUnreadable ? "unreadable" : "corrupt"
        flags = judgement.isSound || judgement.isUnreadable ? [] : ["damaged"]
        members = judgement.members.map { Escape.path($0) }
        errors = judgement.flaws.map(\.words)
        stillGood = judgement.isSound ? nil : judgement.stillGood
    }
}
