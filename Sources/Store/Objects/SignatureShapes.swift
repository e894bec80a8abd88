import Calendar
import Catalog
public import JSON
import Model

extension Shapes {
    /// A signature: the figures of the selection, what is true of the whole store, and what is decided.
    public static let signature = JSONShape<SignatureOverview>(
        "Signature",
        "A signature. `first_seen`, `last_seen`, `first_tag`, `last_tag` and what is decided are those of the whole store; "
            + "all other facts are those of the selected crashes. Crashes of merged signatures are among them.",
        identity + selected + whole + decided)

    private static let identity: [JSONField<SignatureOverview>] = [
        .text("signature", "its text") { $0.signature },
        .text("id", "its short id, the first 12 hexadecimal digits of the SHA-256 of its text") { $0.id },
        .word("state", SignatureState.allCases.map(\.rawValue), "its state") { $0.state.rawValue },
    ]

    private static let selected: [JSONField<SignatureOverview>] = [
        .integer("count", "the number of crashes") { $0.selected.count },
        .integer("sessions", "the number of sessions that crashed with it") { $0.selected.sessions },
        .number("share", "the share of the selected sessions that have ended and crashed with it, 0 to 1") { $0.share },
    ]

    private static let whole: [JSONField<SignatureOverview>] = [
        .time("first_seen", "its first crash in the store") { $0.selected.count > 0 ? $0.firstSeen : nil },
        .time("last_seen", "its last crash in the store") { $0.selected.count > 0 ? $0.lastSeen : nil },
        .optionalText("first_tag", "the earliest build that has it") { $0.firstTag },
        .optionalText("last_tag", "the latest build that has it") { $0.lastTag },
        .time("window_first_seen", "its first selected crash") { $0.selected.count > 0 ? $0.selected.firstSeen : nil },
        .time("window_last_seen", "its last selected crash") { $0.selected.count > 0 ? $0.selected.lastSeen : nil },
    ]

    private static let decided: [JSONField<SignatureOverview>] = [
        .optionalText(
            "fixed_in", "the first build that is said to have the fix; only if `state` is `fixed` or `returned`"
        ) {
            if case .resolve(let tag)? = $0.standing.resolution?.action { tag } else { nil }
        },
        .optionalText("ticket", "the link to its ticket") { $0.standing.ticket },
        .optionalText("owner", "who owns it") { $0.standing.owner },
        .time("ignored_until", "until when it is ignored") {
            if case .ignore(let until, _)? = $0.standing.resolution?.action, $0.state == .ignored { until } else { nil }
        },
        .texts("images", "the images, sorted") { $0.selected.images },
        .texts("tags", "the tags, sorted by their bytes") { $0.selected.tags },
        .texts("locations", "the locations, sorted") { $0.selected.locations },
        .texts("merged", "the signatures whose crashes count as its own") { $0.standing.merged },
        JSONField("per_day", .map(.integer), always: true, "the number of crashes on each day with one, in UTC") {
            overview, line in
            line.add("per_day") { days in
                for day in overview.selected.perDay {
                    let text = ISO8601.text(clamping: Int64(day.day) &* CivilDate.millisecondsPerDay)
                    days.add(String(text.prefix(10)), day.count)
                }
            }
        },
    ]

    /// One change of a signature between two builds.
    public static let change = JSONShape<BuildComparison.Change>(
        "Change", "How the crashes of a signature differ between two builds.",
        [
            .word("change", ["new", "returned", "more", "fewer", "gone"], "how they differ, by the share of sessions") {
                $0.word.rawValue
            },
            .text("before", "the tag of the earlier build, or the glob that selected it") { $0.tags.before },
            .text("after", "the tag of the later build, or the glob that selected it") { $0.tags.after },
            .text("signature", "the signature's text") { $0.signature },
            .text("id", "its short id") { $0.id },
            .optionalText("last_in", "`returned`: the last build before the later one that had it") { $0.lastIn },
            .number(
                "chance",
                "how likely two builds that crash equally often differ at least as much, 0 to 1 (Fisher's exact test)"
            ) { $0.chance },
            .integer("crashes_before", "the crashes of the earlier build") { $0.crashes.before },
            .integer("crashes_after", "the crashes of the later build") { $0.crashes.after },
            .integer("sessions_before", "the sessions of the earlier build that crashed with it") {
                $0.sessions.before
            },
            .integer("sessions_after", "the sessions of the later build that crashed with it") { $0.sessions.after },
            .number("share_before", "their share of the earlier build's sessions, 0 to 1") { $0.share.before },
            .number("share_after", "their share of the later build's sessions, 0 to 1") { $0.share.after },
            .integer("all_sessions_before", "the sessions of the earlier build that have ended") {
                $0.allSessions.before
            },
            .integer("all_sessions_after", "the sessions of the later build that have ended") { $0.allSessions.after },
        ])

    /// A build.
    public static let build = JSONShape<BuildOverview>(
        "Build", "A build: its sessions that have ended, and their crashes.",
        [
            .text("tag", "its tag") { $0.tag },
            .texts("images", "the images that have it, sorted") { $0.images },
            .time("first_seen", "the end of its first session") { $0.firstSeen },
            .time("last_seen", "the end of its last session") { $0.lastSeen },
            .integer("sessions", "its sessions") { $0.sessions },
            .integer("crashed_sessions", "those that crashed") { $0.crashedSessions },
            .number("crash_free", "the share of its sessions that did not crash, 0 to 1") { $0.crashFree },
            .integer("crashes", "its crashes") { $0.crashes },
            .integer("new_signatures", "its signatures that no earlier build has") { $0.newSignatures },
        ])
}

extension BuildOverview {
    /// The share of its sessions that did not crash, from 0 to 1; nil without sessions.
    public var crashFree: Double? {
        sessions > 0 ? 1 - min(1, Double(crashedSessions) / Double(sessions)) : nil
    }
}
