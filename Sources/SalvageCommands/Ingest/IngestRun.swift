import Calendar
import Catalog
import Glibc
import Harvest
import Ingest
import Model
import Pack
import Terminal
import Text

/// The metadata given for an ingested session. For a nil field the store's value stays.
struct SessionDescription {
    var image: String?
    var tag: String?
    var location: String?
    var host: String?
    var labels: ByteDictionary<String> = [:]
    /// In milliseconds since 1970 UTC.
    var created: Int64?
    /// In milliseconds since 1970 UTC.
    var exited: Int64?

    /// Returns this description with its missing fields taken from another.
    func completed(by other: SessionDescription) -> SessionDescription {
        SessionDescription(
            image: image ?? other.image, tag: tag ?? other.tag, location: location ?? other.location,
            host: host ?? other.host, labels: other.labels.merging(labels) { $1 }, created: created ?? other.created,
            exited: exited ?? other.exited)
    }

    /// Returns the session metadata for the pack.
    ///
    /// - Parameters:
    ///   - known: the session's row in the catalog.
    ///   - earlier: the metadata in its present pack.
    func facts(_ session: String, known: SessionRecord?, earlier: SessionMetadata?) -> SessionMetadata {
        let now = TimeText.now()
        let isOurs = known.map { $0.source == "ingest" } ?? true
        var facts = SessionMetadata(
            session: session, image: image ?? "", tag: tag, location: location, host: host, created: created)
        if let known { facts.identity.merge(from: known.identity) }
        facts.labels = (known?.labels ?? [:]).merging(labels) { $1 }
        // The catalog's end of an ingested session may be derived from its members, and more members arrive now. Only an
        // end that was given explicitly stays; the pack has it.
        facts.exited = exited ?? (isOurs ? earlier?.exited : known?.exited)
        // Only a harvest sees when a running session ends.
        facts.firstSeenExited = isOurs ? now : known?.firstSeenExited ?? (known?.state == .running ? nil : now)
        // A pack without harvested data is marked so, and a catalog rebuilt from it harvests the session once it is listed.
        facts.source = known?.pack == nil ? "ingest" : known?.source ?? "ingest"
        return facts
    }
}

/// Ingests local files into one store, one session after the other.
struct IngestRun {
    let output: Output
    private let options: GlobalOptions
    private let store: String
    private let catalog: Catalog
    private let ingest: StoreIngest

    var isQuiet: Bool { options.quiet }

    init(_ options: GlobalOptions) throws {
        try DescriptorBudget.raiseLimit()
        self.options = options
        output = Output(options)
        store = try StoreAccess.createdPath(options)
        catalog = try Catalog.open(store: store)
        // Limits and redaction rules apply as in a harvest.
        ingest = StoreIngest(store: store, configuration: try StoreAccess.configuration(options))
    }

    /// The result of ingesting one session's files.
    struct Result {
        let session: String
        let outcome: PackedSession
        let intake: Intake
    }

    /// Packs files as a session and enters it in the catalog.
    func take(_ files: [String], as session: String, _ description: SessionDescription) throws -> Result {
        let known = try catalog.session(session)
        if let told = known?.created, known?.source == "harvest", let given = description.created,
            abs(told &- given) >= 2000
        {
            throw Failure(
                "created_differs",
                "the API says that the session was created at \(ISO8601.text(clamping: told)), which cannot be changed",
                session: session,
                hint: "omit --created (or `created` in \(BulkIngest.metadataName)), or choose another session id",
                status: .usage)
        }
        // If the present pack cannot be read, the ingest reports that.
        let earlier = known?.pack.flatMap { try? PackReader.open(path: "\(store)/\($0)").session() }
        let facts = description.facts(session, known: known, earlier: earlier)
        // No session's file name there has a ~, so this cannot be a session's unfinished pack.
        let intake = try Intake(files: files, scratch: store + "/spool/.new/folder~")
        defer { intake.discard() }
        let outcome = try ingest.pack(
            session: facts, artifacts: intake.artifacts, files: intake.spooled,
            earlier: try catalog.session(session)?.pack, keepsLock: true)
        try catalog.commit(outcome.contents, from: .ingest(intake.artifacts.map(\.artifact)))
        outcome.lock?.release()
        return Result(session: session, outcome: outcome, intake: intake)
    }

    /// Writes the verdicts; returns false if anything is damaged or missing.
    func report(_ result: Result) -> Bool {
        let (outcome, intake, session) = (result.outcome, result.intake, result.session)
        var isWhole =
            outcome.quarantined.isEmpty && outcome.waiting.isEmpty && outcome.earlierDamage.isEmpty
            && intake.complaints.isEmpty
        for verdict in outcome.verdicts where intake.names.indices.contains(verdict.artifact) {
            if verdict.verdict != .ok { isWhole = false }
            VerdictLine(file: intake.names[verdict.artifact], verdict: verdict).write(to: output, session: session)
        }
        if !options.json, !options.quiet {
            let members = counted(outcome.members, "member")
            let crashes = counted(outcome.crashes, "crash", "crashes")
            output.text("session \(Escape.display(session)): \(members), \(crashes) in \(outcome.pack)")
        }
        output.sink.flush()
        for complaint in intake.complaints {
            complain(
                Failure(
                    "partial", complaint, session: session,
                    hint: "the other files are stored; make the named ones readable, then run the command again"))
        }
        for item in outcome.quarantined {
            complain(
                Failure(
                    "partial", "a copy is quarantined in \(item.place): \(item.reason)", session: session,
                    hint: "the other files are stored; to try this one again: salvage ingest --session SESSION FILE"))
        }
        for damage in outcome.earlierDamage {
            complain(
                Failure(
                    EarlierDamage.flag, damage, session: session,
                    hint: "salvage verify names what is damaged; delete the set-aside pack when nobody needs it"))
        }
        for (artifact, reason) in outcome.waiting.sorted(by: { $0.key < $1.key }) {
            let file = intake.names.indices.contains(artifact) ? intake.names[artifact] : nil
            complain(
                Failure(
                    "not_packed", "not ingested: \(reason)", session: session, path: file,
                    hint: "the fault is this machine's, not the file's, which is unchanged: run the command again"))
        }
        return isWhole
    }

    func complain(_ failure: Failure) { failure.report(json: options.json, style: options.errorStyle) }
}
