public import Catalog
public import Harvest
public import JSON
public import Model

extension Shapes {
    /// A session as `sessions` lists it.
    public static let session = JSONShape<SessionRecord>(
        "Session", "One session: one run of a container.",
        [
            .text("session", "its id") { $0.session },
            .optionalText("image", "the image") { $0.image.isEmpty ? nil : $0.image },
            .optionalText("tag", "the image's tag: the build") { $0.tag },
            .optionalText("location", "the location") { $0.location },
            .textMap("labels", "the labels") { $0.labels },
            .optionalText("host", "the host that it ran on") { $0.host },
            .time("created", "when it was created") { $0.created },
            .time("exited", "the best known end") { $0.exited ?? $0.firstSeenExited },
            .word("state", SessionState.allCases.map(\.rawValue), "the ledger's state") { $0.state.rawValue },
            .optionalText("reason", "why the state is not `harvested`") { $0.reason },
            .time("deadline", "when the container is expected to be gone") { $0.deadline },
            .integer("members", "members in its pack") { $0.members },
            .unsigned("bytes", "their size") { $0.bytes },
            .integer("crashes", "crashes in its pack") { $0.crashes },
            .optionalText("source", "`harvest` or `ingest`") { $0.source },
            .optionalText("pack", "the pack, relative to the store") { $0.pack },
            .optionalUnsigned("pack_bytes", "the pack's size on disk") { $0.pack == nil ? nil : $0.packBytes },
            .time("pruned", "when retention deleted a pack of it") { $0.pruned },
            .optionalText("pruned_why", "the rule that deleted it") { $0.prunedWhy },
            .time("first_seen", "when salvage first saw it") { $0.firstSeen },
            .time("first_seen_exited", "when salvage first saw that it had ended") { $0.firstSeenExited },
            .optionalWord(
                "ended_by", SessionEnding.allCases.map(\.rawValue),
                "what ended it, as far as it is known; absent while it runs"
            ) { $0.ending?.rawValue },
            .optionalText("signature", "the signature of its newest crash") { $0.newestCrash?.signature },
            .optionalText("crash_reason", "the signal, exception or error of that crash") { $0.newestCrash?.reason },
        ])

    /// The fields of an artifact's ledger row.
    static let entry: [JSONField<ArtifactEntry>] = [
        .text("artifact", "the container path, or `logs`") { $0.artifact },
        .word("state", ArtifactState.allCases.map(\.rawValue), "the ledger's state") { $0.state.rawValue },
        .optionalText("reason", "why the state is not `collected`") { $0.reason },
        .optionalInteger("status", "the HTTP status of the last request") { $0.status },
        .optionalText("identifier", "the API's trace id of the last error") { $0.identifier },
        .integer("tries", "requests made") { $0.tries },
        .unsigned("bytes", "bytes downloaded") { $0.bytes },
        .time("first_try", "the first request") { $0.firstTry },
        .time("last_try", "the last request") { $0.lastTry },
        .optionalText("verdict", "the verdict on the archive") { $0.verdict?.rawValue },
        .optionalTexts("flags", "what is odd about the archive") { $0.flags.isEmpty ? nil : $0.flags },
        .optionalText("sha256", "the SHA-256 of the download") { $0.sha256 },
    ]

    /// An artifact's ledger row, without its session.
    public static let artifact = JSONShape<ArtifactRecord>(
        "Artifact", "One artifact of a session: what was requested and what came.",
        entry.map { $0.of { $0.entry } } + [.time("next_try", "when it is requested next") { $0.nextTry }])

    /// A request that was made for a session, without the session.
    public static let request = JSONShape<RequestRecord>(
        "Request", "One request to the Session API.",
        [
            .time("time", "when it began") { $0.at },
            .text("operation", "the operation") { $0.endpoint },
            .optionalText("artifact", "the artifact that it was for") { $0.artifact },
            .optionalInteger("status", "the HTTP status; absent without a response") { $0.status },
            .unsigned("bytes", "bytes of the response") { $0.bytes },
            .optionalText("identifier", "the API's trace id of the error") { $0.identifier },
            .text("outcome", "the outcome in words") { $0.outcome },
        ])

    /// An artifact that was not collected, or a session that was lost before its artifacts were known.
    public static let gap = JSONShape<CoverageGap>(
        "Gap", "An artifact that was not collected, or a session without artifacts that was lost.",
        [.text("session", "the session") { $0.session }]
            + entry.map { field in
                switch field.description.name {
                case "state":
                    // The artifact's state; of a session without artifacts its own.
                    .text("state", "the artifact's state; of a session without artifacts its own") {
                        $0.entry?.state.rawValue ?? $0.state.rawValue
                    }
                case "reason":
                    .optionalText("reason", "why") { $0.entry == nil ? $0.reason : $0.entry?.reason }
                default: field.optional.of { $0.entry }
                }
            })

    /// The totals of `coverage`.
    public static let coverageTotals = JSONShape<Coverage>(
        "CoverageTotals", "How much of what existed was collected.",
        [
            .mark("totals", "tells this object from the others"),
            .counts("sessions", "sessions in each state") { coverage in
                SessionState.allCases.map { ($0.rawValue, coverage.sessions[$0] ?? 0) }
            },
            .counts("artifacts", "artifacts in each state") { coverage in
                ArtifactState.allCases.map { ($0.rawValue, coverage.artifacts[$0] ?? 0) }
            },
            .unsigned("bytes", "bytes downloaded") { $0.bytes },
            .number("collected_share", "collected artifacts among those that existed, 0 to 1") { $0.collectedShare },
            .boolean("complete", "whether nothing was lost, failed or is incomplete") { $0.isComplete },
        ])

    /// A path of a rule that is absent in every session.
    public static let absentPath = JSONShape<AbsentPath>(
        "AbsentPath", "A path of a rule that is absent in every session where it was requested.",
        [
            .optionalText("rule", "the rule") { $0.rule },
            .text("artifact", "the path") { $0.path },
            .integer("sessions", "sessions in which it was requested") { $0.sessions },
            .optionalText("nearest", "the most similar path that exists") { $0.nearest },
        ])

    /// A path of a rule that is absent in every session, as `coverage` prints it among other objects.
    public static let absentGap = JSONShape<AbsentPath>(
        "AbsentGap", "The same path among the gaps of `coverage`.",
        absentPath.fields + [
            .word("state", ["absent"], "`absent`") { _ in ArtifactState.absent.rawValue },
            .mark("everywhere", "tells this object from an artifact of one session"),
        ])
}
