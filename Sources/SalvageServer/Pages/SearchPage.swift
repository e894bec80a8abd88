import Clocks
import Live
import LogSearch
import Model
import Store
import Synchronization
import Terminal
import Text

/// Search in all logs: where does this player id occur this week?
enum SearchPage {
    /// A line among those of other sessions.
    struct Merged: Sendable {
        var label: SourceLabel
        var line: PageSearch.Line
    }

    /// What was found.
    struct Facts: Sendable {
        var sessions: [PageSearch.Session] = []
        /// The lines of all sessions in the order of time, if that was asked for.
        var merged: [Merged] = []
        var hits = 0
        /// Whether there are more hits than are shown.
        var isFull = false
        /// Whether it was ended because it took too long.
        var isCut = false
        /// Why something, or all, was not searched.
        var problem: (message: String, hint: String?)?
        /// Whether a pattern was given.
        var isAsked = false
    }

    /// Lines of context at most.
    private static let mostContext = 20
    /// Bars of the chart at most.
    private static let mostBars = 72

    /// Searches.
    static func facts(_ store: Store, _ query: SelectionQuery, _ view: PageView) throws -> Facts {
        guard let text = view.query.all("q").first else { return Facts() }
        var facts = Facts(isAsked: true)
        let pattern: SearchPattern
        do throws(LogSearchError) {
            pattern = try SearchPattern(Self.pattern(text, try Flags(view.query)))
        } catch {
            let place = error.offset.map { ", at byte \($0)" } ?? ""
            facts.problem = (error.message + place, error.hint ?? "Choose \"literal text\" to search for it as it is.")
            return facts
        }
        var options = SearchOptions()
        let context = try view.query.number("context", in: 0...mostContext) ?? 0
        (options.before, options.after) = (context, context)
        options.perSession = try view.query.number("per_session", in: 1...1_000_000)
        (options.mergesCopies, options.findsTimes) = (true, true)
        // As the API's search does: the times select lines, and a session that ended later may hold earlier ones.
        var selection = query.selection
        if selection.since != nil || selection.until != nil {
            let last = selection.until.map { $0 == .min ? .min : $0 - 1 } ?? .max
            let first = selection.since ?? .min
            options.window = first <= last ? first...last : Int64.min...Int64.min
            selection.until = nil
        }
        if isByTime(view.query) {
            try merge(store, text, options, selection, view, into: &facts)
            return facts
        }
        // A page has two threads; the stream of the API and the command line have all.
        options.workers = 2
        let end = MonotonicClock.milliseconds() + PageSearch.patience
        let sources = try store.sources(for: pattern.query, options, selection, needsLabels: true)
        let (report, found) = try SearchEngine<StoreSource>(pattern: pattern, options: options).run(
            into: PageSearch(end: end)
        ) { MonotonicClock.milliseconds() > end ? nil : sources.next() }
        facts.sessions = found.sessions.filter { $0.members.contains { !$0.lines.isEmpty } }
        facts.hits = found.hits
        facts.isFull = found.isFull
        facts.isCut = !found.isFull && MonotonicClock.milliseconds() > end
        facts.problem = problem(report.problems + sources.problems, report.problemCount + sources.problems.count)
        return facts
    }

    private static func problem(_ problems: [String], _ count: Int) -> (message: String, hint: String?)? {
        guard let first = problems.first else { return nil }
        let more = count > 1 ? ", and \(counted(count - 1, "more problem"))" : ""
        return (first + more, SearchReport.hint(for: first))
    }

    /// Whether the lines of all sessions are wanted in the order of time.
    private static func isByTime(_ query: QueryItems) -> Bool { query.all("sort").first == "time" }

    /// Searches, and merges what is found by time: the earliest lines, once all is searched.
    private static func merge(
        _ store: Store, _ text: String, _ options: SearchOptions, _ selection: Selection, _ view: PageView,
        into facts: inout Facts
    ) throws {
        let flags = try Flags(view.query)
        var request = SearchRequest(text)
        (request.fixed, request.ignoreCase, request.word) = (flags.fixed, flags.ignoreCase, flags.word)
        (request.before, request.after) = (options.before, options.after)
        (request.perSession, request.limit) = (options.perSession, PageSearch.mostHits)
        (request.sorting, request.selection) = (SearchSorting(.time), selection)
        request.selection.since = nil
        (request.since, request.until) = (
            selection.since, try SelectionQuery(view.query, now: view.now).selection.until
        )
        let end = MonotonicClock.milliseconds() + PageSearch.patience
        let isLate: @Sendable () -> Bool = { MonotonicClock.milliseconds() > end }
        let found = Mutex<[Merged]>([])
        let outcome = try store.search(request, threads: SearchThreads(1), isCancelled: isLate) { hit in
            let line = PageSearch.Line(
                number: hit.number, bytes: Array(hit.text.prefix(PageSearch.longestLine)),
                matches: Array(hit.matches.prefix(50)), isSelected: hit.isMatch, time: hit.time)
            found.withLock { $0.append(Merged(label: hit.member.label, line: line)) }
            return true
        }
        facts.merged = found.withLock { $0 }
        facts.hits = facts.merged.reduce(0) { $0 + ($1.line.isSelected ? 1 : 0) }
        (facts.isFull, facts.isCut) = (outcome.hasMore, outcome.report.isCancelled)
        facts.problem = problem(outcome.problems, outcome.problems.count)
    }

    /// The flags of an address.
    private struct Flags {
        var fixed = false
        var ignoreCase = false
        var word = false

        init(_ query: QueryItems) throws(LogSearchError) {
            do {
                (fixed, ignoreCase, word) = (try query.flag("F"), try query.flag("i"), try query.flag("w"))
            } catch {
                throw LogSearchError(code: .usage, message: ServerFailure(error).message)
            }
        }
    }

    private static func pattern(_ text: String, _ flags: Flags) -> PatternOptions {
        var options = PatternOptions([text])
        options.fixed = flags.fixed
        options.ignoreCase = flags.ignoreCase
        options.word = flags.word
        return options
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let text = view.query.all("q").first ?? ""
        var model: PageModel = [
            "pattern": .text(text), "api": .shown(view.link.api("/grep")), "form": .one(PageForm.model(view, fields)),
            "summary": .text(summary(facts)), "hits": .list(facts.sessions.map { hit($0, view) }),
            "commands": .list([["command": .text(command(text, view.query))]]),
        ]
        if let problem = facts.problem {
            var values: PageModel = ["problemText": .text(problem.message)]
            values.set("hint", problem.hint)
            model["searchProblem"] = .one(values)
        }
        if !facts.merged.isEmpty {
            model["merged"] = .one(["mergedLines": .list(facts.merged.map { merged($0, view) })])
        }
        if let chart = chart(facts) { model["hourChart"] = .one(chart) }
        return PageContent(
            template: "search", title: text.isEmpty ? "Search" : "Search: \(text)", tab: .search, model: model)
    }

    private static let fields: [PageForm.Field] =
        [
            .check("F", "literal text"), .check("i", "ignore case"), .check("w", "whole words"),
            .choice("per_session", "Hits", [("", "all"), ("1", "one per session")]),
            .choice("sort", "Order", [("", "by session"), ("time", "by time, merged")]),
            .choice(
                "context", "Context", [("", "none"), ("2", "2 lines"), ("5", "5 lines"), ("20", "20 lines")]),
        ] + PageForm.selection + [.kept("session"), .kept("signature"), .kept("crashed")]

    private static func summary(_ facts: Facts) -> String {
        guard facts.isAsked else { return "Regular expressions as in grep -P; the filters choose sessions." }
        if facts.hits == 0 {
            return facts.problem == nil && !facts.isCut
                ? "Nothing found."
                : facts.isCut ? "Nothing found within 5 seconds; the command below searches all." : ""
        }
        let sessions = facts.merged.isEmpty ? facts.sessions.count : ByteSet(facts.merged.map(\.label.session)).count
        let found = "\(counted(facts.hits, "line")) in \(counted(sessions, "session"))"
        if facts.isFull {
            return found + "; the first \(PageSearch.mostHits) are shown, the command below finds all."
        }
        if facts.isCut { return found + " within 5 seconds; the command below searches all." }
        return found + "."
    }

    private static func hit(_ session: PageSearch.Session, _ view: PageView) -> PageModel {
        let label = session.label
        let facts = [SessionsPage.build(label), label.location].compactMap { $0 }.joined(separator: ", ")
        return [
            "href": .shown(view.link.session(label.session)), "session": .text(label.session, most: 200),
            "hitNote": .text(facts, most: 200),
            "members": .list(
                session.members.filter { !$0.lines.isEmpty }.map { member in
                    let also = member.also.map { Escape.path($0) }.joined(separator: ", ")
                    var model: PageModel = [
                        "path": .text(Escape.path(member.path), most: 300),
                        "logLines": .list(member.lines.map(line)),
                    ]
                    if !also.isEmpty { model["also"] = .one(["alsoText": .text("the same as \(also)", most: 600)]) }
                    return model
                }),
        ]
    }

    private static func merged(_ merged: Merged, _ view: PageView) -> PageModel {
        var model = line(merged.line).with([
            "href": .shown(view.link.session(merged.label.session)), "session": .text(merged.label.session, most: 60),
        ])
        if let time = merged.line.time { model["lineTime"] = PageWords.time(time) }
        return model
    }

    private static func line(_ line: PageSearch.Line) -> PageModel {
        var parts: [PageModel] = []
        var at = 0
        func add(_ range: Range<Int>, isMatch: Bool) {
            guard !range.isEmpty else { return }
            parts.append(["part": .line(line.bytes[range]), "isMatch": .flag(isMatch)])
        }
        for match in line.matches {
            let range = match.clamped(to: at..<max(at, line.bytes.count))
            guard !range.isEmpty else { continue }
            add(at..<range.lowerBound, isMatch: false)
            add(range, isMatch: true)
            at = range.upperBound
        }
        add(at..<line.bytes.count, isMatch: false)
        return ["lineNumber": .shown(String(line.number)), "isAt": .flag(line.isSelected), "parts": .list(parts)]
    }

    /// The hits by the time of their line, or by the end of their session if the line has none.
    private static func chart(_ facts: Facts) -> PageModel? {
        let found = facts.sessions.flatMap { session in
            session.members.flatMap { member in member.lines.map { Merged(label: session.label, line: $0) } }
        }
        let times = (facts.merged + found).compactMap { $0.line.isSelected ? $0.line.time ?? $0.label.end : nil }
        guard let first = times.min(), let last = times.max(), first > 0, last < 1 << 50 else { return nil }
        let hour: Int64 = 3_600_000
        let step = last - first < Int64(mostBars) * hour ? hour : 24 * hour
        let start = first / step * step
        let places = Int(clamping: (last - start) / step) + 1
        guard times.count > 1, places > 1, places <= mostBars * 2 else { return nil }
        var values = [Double?](repeating: 0, count: places)
        for time in times {
            let place = Int(clamping: (time - start) / step)
            values[place] = (values[place] ?? 0) + 1
        }
        let unit = step == hour ? "hour" : "day"
        func mark(_ place: Int) -> String {
            let text = TimeText.table(start + Int64(place) * step)
            return String(step == hour ? text.dropFirst(5).prefix(11) : text.prefix(10))
        }
        let most = values.compactMap { $0 }.max() ?? 0
        let label = "Shown hits per \(unit); at most \(Int(most)) in one \(unit)."
        return [
            "chartUnit": .text("\(unit), UTC"),
            "chart": .one(
                BarStrip(
                    values: values, most: most, label: label, step: min(14, max(4, 900 / places)), height: 36,
                    marks: places > 2 ? [mark(0), mark(places / 2), mark(places - 1)] : [mark(0), mark(places - 1)]
                ).model),
        ]
    }

    private static func command(_ text: String, _ query: QueryItems) -> String {
        var flags = ""
        for name in ["F", "i", "w"] where query.all(name).contains(where: { $0 != "0" && $0 != "false" }) {
            flags += " -\(name)"
        }
        if let context = query.all("context").first.flatMap({ Int($0) }) { flags += " -C \(context)" }
        if let most = query.all("per_session").first.flatMap({ Int($0) }) { flags += " --per-session \(most)" }
        if isByTime(query) { flags += " --sort time" }
        return
            "salvage grep\(flags)\(PageCommand.flags(query)) -e \(PageCommand.quoted(text.isEmpty ? "PATTERN" : text))"
    }
}
