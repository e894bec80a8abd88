import Catalog
import Glibc
import Harvest
import Ingest
import Pack
import Terminal
import Text

/// What is said of a session whose files are ingested; what is nil stays as the store knows it.
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

    /// This description, completed by what another knows.
    func completed(by other: SessionDescription) -> SessionDescription {
        SessionDescription(
            image: image ?? other.image, tag: tag ?? other.tag, location: location ?? other.location,
            host: host ?? other.host, labels: other.labels.merging(labels) { $1 }, created: created ?? other.created,
            exited: exited ?? other.exited)
    }

    /// The facts that go into the pack.
    ///
    /// - Parameters:
    ///   - known: what the catalog knows of the session.
    ///   - earlier: what its present pack knows of it.
    func facts(_ session: String, known: SessionRecord?, earlier: SessionFacts?) -> SessionFacts {
        let now = TimeText.now()
        let isOurs = known.map { $0.source == "ingest" } ?? true
        var facts = SessionFacts(
            session: session, image: image ?? known?.image ?? "",
            labels: (known?.labels ?? [:]).merging(labels) { $1 })
        facts.tag = tag ?? known?.tag
        facts.location = location ?? known?.location
        facts.host = host ?? known?.host
        facts.created = created ?? known?.created
        // The catalog's end of an ingested session may be derived from its members, and more of them come now: only an
        // end that was given once, which the pack knows, stays.
        facts.exited = exited ?? (isOurs ? earlier?.exited : known?.exited)
        // When a session that runs ends is for the harvest to see.
        facts.firstSeenExited = isOurs ? now : known?.firstSeenExited ?? (known?.state == .running ? nil : now)
        // A pack that holds nothing of a harvest's says so, and a catalog made from it harvests the session once listed.
        facts.source = known?.pack == nil ? "ingest" : known?.source ?? "ingest"
        return facts
    }
}

/// Ingests files at hand, one session after the other, into one store.
struct IngestRun {
    let output: Output
    private let options: GlobalOptions
    private let store: String
    private let catalog: Catalog
    private let signer: CrashSigner
    private let service: ChildIngest

    var isQuiet: Bool { options.quiet }

    init(_ options: GlobalOptions) throws {
        try DescriptorBudget.raiseLimit()
        self.options = options
        output = Output(options)
        store = try StoreAccess.createdPath(options)
        catalog = try Catalog.open(store: store)
        signer = try CrashSigner(options, store: store)
        // Bounds and redaction rules count here as they do for a harvest.
        service = ChildIngest(store: store, configuration: try StoreAccess.configuration(options))
    }

    /// What became of one session's files.
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
                "the API said that the session was created at \(TimeText.iso8601(told)), which stays so",
                session: session, hint: "leave the time of creation out, or ingest the files as a session of their own",
                status: .usage)
        }
        // The end that the pack knows; one that cannot be read is the ingest's to judge.
        let earlier = known?.pack.flatMap { try? PackReader.open(path: "\(store)/\($0)").session() }
        let facts = description.facts(session, known: known, earlier: earlier)
        // No session's name holds a ~ there, so this is nobody's pack in the making.
        let intake = try Intake(files: files, scratch: store + "/spool/.new/folder~")
        defer { intake.discard() }
        let outcome = try service.ingest.pack(
            session: facts, artifacts: intake.artifacts, files: intake.spooled,
            earlier: try catalog.session(session)?.pack, keepsLock: true)
        var contents = try PackContents(outcome.reader, path: outcome.pack)
        signer.renew(&contents)
        try catalog.commit(contents, from: .ingest(intake.artifacts.map(\.artifact)))
        outcome.lock?.release()
        return Result(session: session, outcome: outcome, intake: intake)
    }

    /// Writes what became of the files; false when something of them is damaged or missing.
    func report(_ result: Result) -> Bool {
        let (outcome, intake, session) = (result.outcome, result.intake, result.session)
        var isWhole =
            outcome.quarantined.isEmpty && outcome.waiting.isEmpty && outcome.earlierDamage.isEmpty
            && intake.complaints.isEmpty
        for verdict in outcome.verdicts where intake.names.indices.contains(verdict.artifact) {
            if verdict.verdict != "ok" { isWhole = false }
            VerdictLine(file: intake.names[verdict.artifact], verdict: verdict).write(to: output, session: session)
        }
        if !options.json, !options.quiet {
            let crashes = outcome.crashes == 1 ? "1 crash" : "\(outcome.crashes) crashes"
            output.text(
                "session \(Escape.display(session)): \(outcome.members) members, \(crashes) in \(outcome.pack)"
            )
        }
        output.sink.flush()
        for complaint in intake.complaints
            + outcome.quarantined.map({ "a copy lies in quarantine, \($0.place), because of its reader: \($0.reason)" })
        {
            complain(Failure("partial", complaint, session: session))
        }
        for damage in outcome.earlierDamage {
            complain(
                Failure(
                    EarlierDamage.flag, damage, session: session,
                    hint: "salvage verify names what is damaged; remove what was set aside once nobody needs it"))
        }
        for (artifact, reason) in outcome.waiting.sorted(by: { $0.key < $1.key }) {
            let file = intake.names.indices.contains(artifact) ? intake.names[artifact] : nil
            complain(
                Failure(
                    "not_packed", "not taken in: \(reason)", session: session, path: file,
                    hint: "this machine is at fault, not the file, which is where it was: run the same again for it"))
        }
        return isWhole
    }

    func complain(_ failure: Failure) { failure.report(json: options.json, style: options.errorStyle) }
}
