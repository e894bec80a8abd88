import Catalog
import Model
import Store
import Terminal
import Text

/// The list of sessions.
enum SessionsPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        var sessions: [SessionRecord]
        /// Where the list goes on; nil at its end.
        var next: String?
        /// The signature of the newest crash of each session that has one, with its short id.
        var signatures: ByteDictionary<(text: String, id: String)>
        /// Ended and crashed sessions by hour or day; empty if the selected time is too long for a chart.
        var series: [SeriesPoint]
        /// The chart's range; nil without a chart.
        var range: (since: Int64, until: Int64, unit: SeriesUnit)?
    }

    /// Sessions on a page.
    static let pageSize = 50
    private static let hour: Int64 = 3_600_000
    /// The longest time with a bar for each hour.
    private static let mostHours: Int64 = 96
    /// The longest time with a bar for each day.
    private static let mostDays: Int64 = 60

    /// Reads the facts.
    static func facts(_ store: Store, _ query: SelectionQuery, _ view: PageView) throws -> Facts {
        let page = try store.sessionPage(
            query.selection, afterText: query.cursor, limit: min(200, query.limit))
        var signatures: ByteDictionary<(text: String, id: String)> = [:]
        for session in page.sessions where session.crashes > 0 {
            if let row = try store.crashRows(Selection(sessions: [session.session], limit: 1)).first {
                signatures[session.session] = (row.signature, SignatureID.of(row.signature))
            }
        }
        var facts = Facts(sessions: page.sessions, next: page.next, signatures: signatures, series: [])
        // Later pages show the list only.
        guard query.cursor == nil, let range = range(query.selection, now: view.now) else { return facts }
        facts.range = range
        var selection = query.selection
        selection.since = range.since
        facts.series = try store.series(by: range.unit, selection)
        return facts
    }

    /// The time of the chart: the selected one, else the last two days; nil if it is too long.
    static func range(_ selection: Selection, now: Int64) -> (since: Int64, until: Int64, unit: SeriesUnit)? {
        let until = min(selection.until ?? now, now)
        let since = selection.since ?? (selection.until == nil ? now - 48 * hour : until &- 48 * hour)
        let (span, overflow) = until.subtractingReportingOverflow(since)
        guard !overflow, span > 0, since > 0 else { return nil }
        if span <= mostHours * hour { return (since / hour * hour, until, .hour) }
        let day = 24 * hour
        return span <= mostDays * day ? (since / day * day, until, .day) : nil
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let isFiltered = view.query.pairs.contains { !$0.value.isEmpty && $0.name != "cursor" }
        var model: PageModel = [
            "summary": .text(isFiltered ? "Those that the filters select." : "All sessions of the store."),
            "form": .one(PageForm.model(view, fields)), "hasRows": .flag(!facts.sessions.isEmpty),
            "rows": .list(facts.sessions.map { row($0, facts, view) }),
            "nothing": .text(
                isFiltered
                    ? "No session matches these filters. Reset them, or widen the time."
                    : "No session is stored. salvage harvest or salvage ingest adds some."),
            "commands": .list([["command": .text("salvage sessions" + PageCommand.flags(view.query))]]),
        ]
        if let strip = strip(facts) { model["strip"] = .one(strip) }
        let paging = PagePaging(
            first: view.query.all("cursor").isEmpty ? nil : view.here([("cursor", nil)]),
            next: facts.next.map { view.here([("cursor", $0)]) }, note: counted(facts.sessions.count, "session"))
        return PageContent(template: "sessions", title: "Sessions", tab: .sessions, model: model.with(paging.model))
    }

    private static let fields: [PageForm.Field] =
        [
            .choice("state", "State", [("", "any")] + SessionState.allCases.map { ($0.rawValue, $0.rawValue) })
        ] + PageForm.selection + [
            .text("signature", "Signature", hint: "any, glob"), .check("crashed", "crashed only"), .kept("session"),
            .kept("limit"),
        ]

    /// A line of the list.
    private static func row(_ session: SessionRecord, _ facts: Facts, _ view: PageView) -> PageModel {
        var row: PageModel = [
            "href": .shown(view.link.session(session.session)), "session": .text(session.session, most: 160),
            "state": .shown(session.isPruned ? "pruned" : session.state.rawValue),
            "build": .text(build(session), most: 120), "location": .text(session.location ?? "–", most: 60),
            "ran": .text(ran(session) ?? "–"), "reason": .text(reason(session), most: 240),
            "size": .text(session.pack == nil ? "" : SizeText.binary(session.bytes)),
        ]
        if let ended = session.exited ?? session.firstSeenExited { row["ended"] = PageWords.time(ended) }
        if let signature = facts.signatures[session.session] {
            row["signatureLink"] = .one([
                "href": .shown(view.link.signature(signature.id)), "signature": .text(signature.text, most: 200),
            ])
        }
        return row
    }

    /// The image and the tag.
    static func build(_ session: some IdentifiedSession) -> String {
        let image = session.image.isEmpty ? "unknown image" : session.image
        return session.tag.map { "\(image):\($0)" } ?? image
    }

    /// How long it ran; nil if that is not known.
    static func ran(_ session: SessionRecord) -> String? {
        guard let created = session.created, let ended = session.exited ?? session.firstSeenExited else { return nil }
        let (span, overflow) = ended.subtractingReportingOverflow(created)
        return overflow || span < 0 ? nil : TimeText.span(span)
    }

    private static func reason(_ session: SessionRecord) -> String {
        let more = session.crashes > 1 ? "and \(counted(session.crashes - 1, "more crash", "more crashes")). " : ""
        if session.isPruned { return more + "pruned" + (session.prunedWhy.map { ": \($0)" } ?? "") }
        return more + (session.reason ?? "")
    }

    private static func strip(_ facts: Facts) -> PageModel? {
        guard let range = facts.range else { return nil }
        let step = range.unit == .hour ? hour : 24 * hour
        let count = Int(clamping: (range.until - range.since) / step + 1)
        guard count > 0, count <= 200 else { return nil }
        var ended = [Int](repeating: 0, count: count)
        var crashed = ended
        for point in facts.series where point.time >= range.since {
            let place = Int(clamping: (point.time - range.since) / step)
            guard place < count else { continue }
            ended[place] &+= point.sessions
            crashed[place] &+= point.crashed
        }
        let unit = range.unit == .hour ? "hour" : "day"
        let most = Double(max(1, ended.max() ?? 1))
        func mark(_ place: Int) -> String {
            let text = TimeText.table(range.since + Int64(place) * step)
            return String(range.unit == .hour ? text.dropFirst(5).prefix(11) : text.prefix(10))
        }
        func words(_ values: [Int]) -> String {
            "\(PageWords.count(values.reduce(0, &+))) in all, at most \(PageWords.count(values.max() ?? 0)) in one \(unit)"
        }
        let chart = BarStrip(
            values: ended.map(Double.init), most: most,
            label: "Sessions that ended per \(unit): \(words(ended)); those that crashed: \(words(crashed)).",
            step: min(14, max(3, 1200 / count)), height: 44, parts: crashed.map(Double.init),
            marks: count > 2 ? [mark(0), mark(count / 2), mark(count - 1)] : [mark(0), mark(count - 1)])
        return [
            "stripTitle": .text("Ends per \(unit)"), "chart": .one(chart.model),
            "endedWords": .text("\(PageWords.count(ended.reduce(0, &+))) ended"),
            "crashedWords": .text("\(PageWords.count(crashed.reduce(0, &+))) of them crashed"),
            "stripNote": .text("A full bar is \(counted(Int(most), "session")). Times below it are UTC."),
        ]
    }
}
