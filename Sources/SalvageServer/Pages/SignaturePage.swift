import Calendar
import Catalog
import Model
import Store
import Text

/// One signature: what is it, who fixes it?
enum SignaturePage {
    /// The log of one session at its crash.
    struct Excerpt: Sendable {
        var session: String
        var tag: String?
        var lines: CrashLines?
        /// Why there are none.
        var problem: String?
    }

    /// What it shows of a store.
    struct Facts: Sendable {
        var overview: SignatureOverview
        /// The newest crashes, newest first.
        var rows: [CrashRow]
        /// The record of the newest one.
        var newest: CrashRecord?
        /// The values of labels of its newest sessions that tell where it happens, such as a map.
        var labels: [(name: String, values: [String])]
        var excerpts: [Excerpt]
        /// Crashes by day and tag.
        var series: [SeriesPoint]
    }

    /// Crashes that are listed.
    static let mostRows = 50
    /// Sessions whose log lines are shown.
    private static let mostExcerpts = 3
    /// Lines before the crash.
    private static let linesBefore = 12
    /// Days of the table of builds.
    private static let mostDays = 21

    /// Reads the facts.
    static func facts(_ store: Store, _ name: String, now: Int64) throws -> Facts {
        let overview = try store.signature(named: name, now: now)
        let texts = [overview.signature] + overview.standing.merged
        var selection = Selection(signatures: texts.map { Glob.quoting($0) }, limit: mostRows)
        let rows = try store.crashRows(selection)
        selection.limit = nil
        selection.since = max(
            overview.firstSeen, overview.lastSeen - Int64(mostDays - 1) * CivilDate.millisecondsPerDay)
        let series = try store.crashSeries(by: .day, selection)
        var excerpts: [Excerpt] = []
        var labels: [(name: String, values: [String])] = []
        var seen = ByteSet()
        for row in rows where seen.insert(row.session).inserted {
            if seen.count > 20 { break }
            let session = try store.session(named: row.session)
            add(session.labels, to: &labels)
            if excerpts.count < mostExcerpts { excerpts.append(excerpt(store, row, session)) }
        }
        return Facts(
            overview: overview, rows: rows, newest: rows.first.flatMap { StoredCrash($0).current }, labels: labels,
            excerpts: excerpts, series: series)
    }

    private static func excerpt(_ store: Store, _ row: CrashRow, _ session: SessionRecord) -> Excerpt {
        var excerpt = Excerpt(session: row.session, tag: row.tag)
        do {
            excerpt.lines = try store.lines(
                at: StoredCrash(row).current, in: session, before: linesBefore, after: 1)
            if excerpt.lines == nil { excerpt.problem = "No log is stored." }
        } catch {
            excerpt.problem = StoreError(error).message
        }
        return excerpt
    }

    private static func add(_ labels: ByteDictionary<String>, to all: inout [(name: String, values: [String])]) {
        for (name, value) in labels.sorted(by: { $0.key.precedesInBytes($1.key) }) {
            // Every session has its own: it tells nothing about the signature.
            if name.hasSameBytes(as: "GAMEYE_SESSION_ID") { continue }
            guard let place = all.firstIndex(where: { $0.name.hasSameBytes(as: name) }) else {
                if all.count < 8 { all.append((name, [value])) }
                continue
            }
            if !all[place].values.contains(where: { $0.hasSameBytes(as: value) }) { all[place].values.append(value) }
        }
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView, source: SourceLinks) -> PageContent {
        let overview = facts.overview
        let selected = overview.selected
        var model: PageModel = [
            "signature": .text(overview.signature), "state": .shown(overview.state.rawValue),
            "stateWord": .shown(overview.state.rawValue), "lead": .text(lead(overview)),
            "crashes": .text(counted(selected.count, "crash", "crashes")),
            "sessions": .text(counted(selected.sessions, "session")),
            "firstSeen": PageWords.time(overview.firstSeen), "lastSeen": PageWords.time(overview.lastSeen),
            "firstTag": .text(overview.firstTag ?? "no tag"), "lastTag": .text(overview.lastTag ?? "no tag"),
            "regions": .text(SignatureRow.names(selected.locations, most: 12)),
            "labels": .list(
                facts.labels.map {
                    [
                        "labelName": .text($0.name, most: 60),
                        "labelValues": .text(SignatureRow.names($0.values, most: 8), most: 400),
                    ]
                }), "owner": .text(overview.standing.owner ?? "nobody"),
            "excerpts": .list(facts.excerpts.map { excerptModel($0, view) }),
            "crashesCaption": .text(
                selected.count > facts.rows.count
                    ? "The newest \(facts.rows.count) of \(PageWords.count(selected.count))"
                    : counted(facts.rows.count, "crash", "crashes")),
            "crashRows": .list(facts.rows.map { rowModel($0, view) }),
        ]
        if let note = SignatureRow.stateNote(overview) { model["stateNote"] = .one(note) }
        model.set("shareText", overview.share.map(PageWords.percent))
        if let ticket = overview.standing.ticket { model["ticket"] = .one(SignatureRow.ticket(ticket)) }
        if !overview.standing.merged.isEmpty {
            model["merged"] = .one(["mergedText": .text(overview.standing.merged.prefix(20).joined(separator: "; "))])
        }
        if let newest = facts.newest {
            model = model.with(StackModel.model(newest.frames, source: source, tag: newest.tag))
            model["newest"] = .one([
                "href": .shown(view.link.crash(newest.crash)), "crashID": .text(newest.crash),
                "headline": .text(CrashPage.headline(newest)),
            ])
            if let message = newest.message ?? newest.cause?.message {
                model["crashMessage"] = .one(["messageText": .block(message.utf8, most: 8000)])
            }
        }
        if let heat = HeatTable.model(facts.series) { model["heat"] = .one(heat) }
        model["allSessions"] = .one([
            "href": .shown(view.link.path("/sessions", [("signature", Glob.quoting(overview.signature))]))
        ])
        if let example = facts.rows.first {
            model["example"] = .one([
                "href": .shown(view.link.api("/sessions/\(PathSegment.encode(example.session))/bundle"))
            ])
        }
        model = model.with(decisions(overview, view))
        model["commands"] = .list(
            (facts.newest.map { ["salvage crash \(PageCommand.quoted($0.crash))"] } ?? [])
                .appending("salvage logs --signature \(overview.id) --around crash --within 5s")
                .appending("salvage export --signature \(overview.id) --bundle --to \(overview.id)")
                .map { ["command": .text($0)] })
        return PageContent(template: "signature", title: overview.signature, tab: .crashes, model: model)
    }

    private static func lead(_ overview: SignatureOverview) -> String {
        switch overview.state {
        case .new: "Never seen before the last 24 hours."
        case .open: "Nobody has decided about it."
        case .fixed: "Not seen since it was fixed."
        case .returned: "Seen again in a build that should have the fix."
        case .ignored: "Nobody is notified of it."
        }
    }

    // MARK: Decisions

    private static func decisions(_ overview: SignatureOverview, _ view: PageView) -> PageModel {
        var model: PageModel = [:]
        let history = overview.standing.history
        if !history.isEmpty {
            model["history"] = .one([
                "entries": .list(
                    history.suffix(100).reversed().map { decision in
                        var entry: PageModel = [
                            "time": PageWords.time(decision.time), "author": .text(decision.author, most: 100),
                            "sentence": .text(DecisionWords.sentence(decision)),
                        ]
                        if let note = decision.note {
                            entry["note"] = .one(["noteText": .text(note)])
                        }
                        return entry
                    })
            ])
        }
        if view.may(.triage) {
            model["triage"] = .one([
                "post": .shown(view.link.signature(overview.id)), "ownerValue": .text(overview.standing.owner ?? ""),
                "canReopen": .flag(overview.standing.resolution != nil),
            ])
        }
        return model
    }

    // MARK: Lists

    private static func excerptModel(_ excerpt: Excerpt, _ view: PageView) -> PageModel {
        var model: PageModel = [
            "session": .text(excerpt.session, most: 200), "sessionLink": .shown(view.link.session(excerpt.session)),
            "excerptNote": .text(excerpt.tag ?? "", most: 60),
        ]
        if let lines = excerpt.lines, !lines.lines.isEmpty {
            model["excerptNote"] = .text(
                [excerpt.tag, PageLog.note(lines)].compactMap { $0 }.joined(separator: ", "))
            model["lines"] = .one(PageLog.model(lines, anchored: false, label: "Log of \(excerpt.session)"))
        } else {
            model["problem"] = .one(["problemText": .text(excerpt.problem ?? "The log is empty.")])
        }
        return model
    }

    private static func rowModel(_ row: CrashRow, _ view: PageView) -> PageModel {
        var model: PageModel = [
            "session": .text(row.session, most: 160), "sessionLink": .shown(view.link.session(row.session)),
            "tag": .text(row.tag ?? "–", most: 60), "location": .text(row.location ?? "–", most: 60),
            "crashID": .text(row.crash, most: 60), "crashLink": .shown(view.link.crash(row.crash)),
        ]
        if let time = row.time { model["time"] = PageWords.time(time) }
        return model
    }
}

extension Array {
    fileprivate func appending(_ element: Element) -> [Element] { self + [element] }
}
