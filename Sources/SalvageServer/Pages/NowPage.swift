import Catalog
import Model
import Store
import Terminal
import Text

/// The first page: is it on fire?
enum NowPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        var pulse: StorePulse
        /// Why packs cannot be written, if they cannot.
        var trouble: String?
        /// The last 24 hours, by hour and tag.
        var series: [SeriesPoint]
        /// The signatures of the last 24 hours.
        var signatures: [SignatureOverview]
        /// The free space, in bytes.
        var freeBytes: UInt64?
    }

    static let hour: Int64 = 3_600_000
    /// Builds that get a line of their own.
    private static let mostBuilds = 6
    /// Less free space than this is worth a warning, in bytes.
    private static let littleSpace: UInt64 = 5 << 30

    /// Reads the facts.
    static func facts(_ store: Store, now: Int64) throws -> Facts {
        let selection = Selection(since: start(now))
        return Facts(
            pulse: try store.pulse(now: now), trouble: try store.packTrouble(),
            series: try store.series(by: .hour, selection), signatures: try store.signatures(selection, now: now),
            freeBytes: store.freeBytes)
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let fresh = facts.signatures.filter { $0.state == .new || $0.state == .returned }
        let days = SignatureRow.Days(facts.signatures)
        let rows = { (signatures: ArraySlice<SignatureOverview>) -> PageModel.Value in
            .list(signatures.map { SignatureRow.model($0, days: days, view) })
        }
        var model: PageModel = [
            "asOf": PageWords.time(view.now), "notes": .list(notes(facts, fresh, view)),
            "tiles": .list(tiles(facts, fresh, view)), "hasFresh": .flag(!fresh.isEmpty),
            "fresh": rows(fresh.prefix(20)),
            "freshCaption": .text(
                fresh.count > 20 ? "20 of \(fresh.count) signatures" : counted(fresh.count, "signature")),
            "hasTop": .flag(!facts.signatures.isEmpty), "top": rows(facts.signatures.prefix(5)),
        ]
        if let hours = hours(facts.series, view) { model["hours"] = .one(hours) }
        return PageContent(template: "now", title: "Now", tab: .now, model: model)
    }

    /// The beginning of the 24 hours that are shown: a full hour.
    static func start(_ now: Int64) -> Int64 { (now / hour - 23) * hour }

    // MARK: Health

    private static func notes(_ facts: Facts, _ fresh: [SignatureOverview], _ view: PageView) -> [PageModel] {
        var notes: [PageModel] = []
        let flow = facts.pulse.flow
        let collection = view.link.path("/collection")
        func add(_ grade: Finding.Grade, _ message: String, link: (String, String)? = nil, hint: String? = nil) {
            notes.append(PageNote.model(grade, message, link: link, hint: hint))
        }
        if flow.lostLastDay > 0 {
            add(
                .failure, "\(counted(flow.lostLastDay, "session was", "sessions were")) lost in 24 hours.",
                link: (collection, "Which and why"))
        }
        if flow.overdue > 0 {
            add(
                .warning,
                "\(counted(flow.overdue, "session waits", "sessions wait")) although the container should be gone.",
                link: (collection, "Deadlines"), hint: "Check that salvage watch or salvage harvest runs.")
        }
        if let trouble = facts.trouble { add(.warning, trouble, hint: "salvage doctor says more.") }
        if let deadline = facts.pulse.deadlines.first, deadline.time > view.now, deadline.time - view.now < hour / 2 {
            add(
                .warning,
                "The container of \(deadline.session) is expected to be gone in "
                    + "\(TimeText.span(deadline.time - view.now)), and not everything is fetched.",
                link: (view.link.session(deadline.session), "Session"))
        }
        if let free = facts.freeBytes, free < littleSpace {
            add(.warning, "\(SizeText.binary(free)) are free on the store's disk.", hint: "salvage prune makes room.")
        }
        let returned = fresh.filter { $0.state == .returned }.count
        if fresh.count > returned {
            add(.note, "\(counted(fresh.count - returned, "new signature")) in 24 hours.")
        }
        if returned > 0 { add(.warning, "\(counted(returned, "fixed signature")) came back in 24 hours.") }
        if notes.isEmpty {
            let crashes = facts.signatures.reduce(0) { $0 &+ $1.selected.count }
            add(
                .ok,
                crashes == 0
                    ? "All quiet: no crash in 24 hours, nothing is lost, nothing is late."
                    : "All known: no new signature in 24 hours, nothing is lost, nothing is late.")
        }
        return notes
    }

    // MARK: Tiles

    private static func tiles(_ facts: Facts, _ fresh: [SignatureOverview], _ view: PageView) -> [PageModel] {
        let sessions = facts.series.reduce(0) { $0 &+ $1.sessions }
        let crashed = facts.series.reduce(0) { $0 &+ $1.crashed }
        let pulse = facts.pulse
        let next = pulse.deadlines.first
        func tile(_ name: String, _ value: String, _ note: String = "", to link: String? = nil) -> PageModel {
            var model: PageModel = ["tileName": .text(name), "tileValue": .text(value), "tileNote": .text(note)]
            if let link { model["tileLink"] = .one(["href": .shown(link)]) }
            return model
        }
        func count(_ state: SignatureState) -> Int { fresh.filter { $0.state == state }.count }
        let day = [("since", Optional("24h"))]
        return [
            tile(
                "Crashed, 24 h", sessions > 0 ? PageWords.percent(Double(crashed) / Double(sessions)) : "–",
                "\(PageWords.count(crashed)) of \(PageWords.count(sessions)) sessions",
                to: view.link.path("/sessions", day + [("crashed", "true")])),
            tile("New, 24 h", PageWords.count(count(.new)), to: view.link.path("/crashes", day + [("state", "new")])),
            tile(
                "Returned, 24 h", PageWords.count(count(.returned)),
                to: view.link.path("/crashes", day + [("state", "returned")])),
            tile(
                "Running", PageWords.count(pulse.running), "\(pulse.flow.exitsLastHour) ended in the last hour",
                to: view.link.path("/sessions", [("state", "running")])),
            tile(
                "To be fetched", PageWords.count(pulse.backlog), counted(pulse.pending, "session"),
                to: view.link.path("/sessions", [("state", "pending")])),
            tile(
                "Nearest deadline", next.map { PageWords.ago($0.time, now: view.now) } ?? "none",
                next.map { "session \($0.session)" } ?? "nothing waits", to: next.map { view.link.session($0.session) }),
            tile(
                "Lost, 24 h", PageWords.count(pulse.flow.lostLastDay),
                to: view.link.path("/sessions", day + [("state", "lost")])),
        ]
    }

    // MARK: Hours

    /// One build's sessions and crashed sessions by hour; the last line is of all other builds.
    private struct Line {
        var tag: String?
        var isRest = false
        var sessions = [Int](repeating: 0, count: 24)
        var crashed = [Int](repeating: 0, count: 24)
        var total: Int { sessions.reduce(0, &+) }
        var totalCrashed: Int { crashed.reduce(0, &+) }
        /// The share of each hour; nil without sessions.
        var shares: [Double?] {
            zip(sessions, crashed).map { $0 > 0 ? Double($1) / Double($0) : nil }
        }
    }

    private static func lines(_ series: [SeriesPoint], from start: Int64) -> [Line] {
        var byTag: ByteDictionary<Line> = [:]
        for point in series where point.time >= start {
            let place = Int(clamping: (point.time - start) / hour)
            guard place < 24 else { continue }
            var line = byTag[point.tag ?? ""] ?? Line(tag: point.tag)
            line.sessions[place] &+= point.sessions
            line.crashed[place] &+= point.crashed
            byTag[point.tag ?? ""] = line
        }
        let all = byTag.values.sorted {
            ($1.total, ByteText($0.tag ?? "")) < ($0.total, ByteText($1.tag ?? ""))
        }
        guard all.count > mostBuilds else { return all }
        var rest = Line(tag: "\(counted(all.count - mostBuilds + 1, "other build"))", isRest: true)
        for line in all[(mostBuilds - 1)...] {
            for place in 0..<24 {
                rest.sessions[place] &+= line.sessions[place]
                rest.crashed[place] &+= line.crashed[place]
            }
        }
        return all.prefix(mostBuilds - 1) + [rest]
    }

    private static func hours(_ series: [SeriesPoint], _ view: PageView) -> PageModel? {
        let start = start(view.now)
        let lines = lines(series, from: start).filter { $0.total > 0 }
        guard !lines.isEmpty else { return nil }
        let most = lines.flatMap { $0.shares.compactMap { $0 } }.max() ?? 0
        let builds = lines.map { line in
            var model: PageModel = [
                "tag": .text(line.tag ?? "no tag", most: 60), "sessions": .text(PageWords.count(line.total)),
                "crashed": .text(PageWords.count(line.totalCrashed)),
                "share": .text(PageWords.percent(Double(line.totalCrashed) / Double(line.total))),
                "current": .text(line.shares[23].map(PageWords.percent) ?? "–"),
                "chart": .one(BarStrip(values: line.shares, most: most, label: label(line), step: 7).model),
            ]
            if let tag = line.tag, !line.isRest {
                model["tagLink"] = .one([
                    "href": .shown(view.link.path("/crashes", [("since", "24h"), ("tag", Glob.quoting(tag))]))
                ])
            }
            return model
        }
        let rows = (0..<24).reversed().map { place -> PageModel in
            [
                "hour": PageWords.time(start + Int64(place) * hour),
                "cells": .list(
                    lines.map { line in
                        let (sessions, crashed) = (line.sessions[place], line.crashed[place])
                        return ["cell": .text(sessions == 0 ? "–" : "\(crashed) of \(sessions)")]
                    }),
            ]
        }
        return [
            "hoursCaption": .text(
                most > 0
                    ? "A full bar is \(PageWords.percent(most)) crashed; no line under an hour without sessions."
                    : "None of them crashed."),
            "builds": .list(builds), "hourRows": .list(rows),
            "columns": .list(lines.map { ["column": .text($0.tag ?? "no tag", most: 40)] }),
        ]
    }

    private static func label(_ line: Line) -> String {
        let total = "\(line.totalCrashed) of \(counted(line.total, "session")) crashed in 24 hours"
        guard let worst = line.shares.indices.max(by: { (line.shares[$0] ?? 0) < (line.shares[$1] ?? 0) }),
            let share = line.shares[worst], share > 0
        else { return "\(line.tag ?? "no tag"): \(total)." }
        return "\(line.tag ?? "no tag"): \(total); most \(PageWords.percent(share)), \(23 - worst) h ago."
    }
}
