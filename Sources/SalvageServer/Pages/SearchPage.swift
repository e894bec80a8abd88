import Calendar
import Clocks
import Live
import LogSearch
import Model
import Store
import Text

/// Search in all logs: where does this player id occur this week?
enum SearchPage {
    /// What was found.
    struct Facts: Sendable {
        var sessions: [PageSearch.Session] = []
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
        let isOnePerSession = try view.query.number("per_session", in: 1...1_000_000) == 1
        if isOnePerSession { options.maxCount = 1 }
        // As the API's search does: the times select lines, and a session that ended later may hold earlier ones.
        var selection = query.selection
        if selection.since != nil || selection.until != nil {
            let last = selection.until.map { $0 == .min ? .min : $0 - 1 } ?? .max
            let first = selection.since ?? .min
            options.window = first <= last ? first...last : Int64.min...Int64.min
            selection.until = nil
        }
        // A page has two threads; the stream of the API and the command line have all.
        options.workers = 2
        let end = MonotonicClock.milliseconds() + PageSearch.patience
        let sources = try store.sources(for: pattern.query, options, selection, needsLabels: true)
        let (report, found) = try SearchEngine<StoreSource>(pattern: pattern, options: options).run(
            into: PageSearch(isOnePerSession: isOnePerSession, end: end)
        ) { MonotonicClock.milliseconds() > end ? nil : sources.next() }
        facts.sessions = found.sessions.filter { $0.members.contains { !$0.lines.isEmpty } }
        facts.hits = found.hits
        facts.isFull = found.isFull
        facts.isCut = !found.isFull && MonotonicClock.milliseconds() > end
        if let first = (report.problems + sources.problems).first {
            let count = report.problemCount + sources.problems.count
            facts.problem = (
                first + (count > 1 ? ", and \(counted(count - 1, "more problem"))" : ""), SearchReport.hint(for: first)
            )
        }
        return facts
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
        if let chart = chart(facts) { model["hourChart"] = .one(chart) }
        return PageContent(
            template: "search", title: text.isEmpty ? "Search" : "Search: \(text)", tab: .search, model: model)
    }

    private static let fields: [PageForm.Field] =
        [
            .check("F", "literal text"), .check("i", "ignore case"), .check("w", "whole words"),
            .choice("per_session", "Hits", [("", "all"), ("1", "one per session")]),
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
        let found = "\(counted(facts.hits, "line")) in \(counted(facts.sessions.count, "session"))"
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
                    [
                        "path": .text(Escape.path(member.path), most: 300),
                        "logLines": .list(member.lines.map(line)),
                    ]
                }),
        ]
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

    /// The hits by the ends of their sessions.
    private static func chart(_ facts: Facts) -> PageModel? {
        let counts = facts.sessions.compactMap { session in
            session.label.end.map { end in
                (end, session.members.reduce(0) { $0 + $1.lines.filter(\.isSelected).count })
            }
        }
        guard let first = counts.map(\.0).min(), let last = counts.map(\.0).max(), first > 0 else { return nil }
        let hour: Int64 = 3_600_000
        let step = last - first < Int64(mostBars) * hour ? hour : 24 * hour
        let start = first / step * step
        let places = Int(clamping: (last - start) / step) + 1
        guard counts.count > 1, places > 1, places <= mostBars * 2 else { return nil }
        var values = [Double?](repeating: 0, count: places)
        for (end, hits) in counts {
            let place = Int(clamping: (end - start) / step)
            values[place] = (values[place] ?? 0) + Double(hits)
        }
        let unit = step == hour ? "hour" : "day"
        func mark(_ place: Int) -> (place: Int, text: String) {
            let text = ISO8601.text(clamping: start + Int64(place) * step)
            return (place, String(step == hour ? text.dropFirst(5).prefix(8) + "h" : text.prefix(10)))
        }
        let most = values.compactMap { $0 }.max() ?? 0
        let label = "Shown hits per \(unit) in which their sessions ended; at most \(Int(most)) in one \(unit)."
        return [
            "chartUnit": .text("\(unit), by the end of the session (UTC)"),
            "chart": .one(
                BarStrip(
                    values: values, most: most, label: label, step: min(14, max(4, 900 / places)), height: 36,
                    marks: [mark(0), mark(places - 1)]
                ).model),
        ]
    }

    private static func command(_ text: String, _ query: QueryItems) -> String {
        var flags = ""
        for name in ["F", "i", "w"] where query.all(name).contains(where: { $0 != "0" && $0 != "false" }) {
            flags += " -\(name)"
        }
        if let context = query.all("context").first.flatMap({ Int($0) }) { flags += " -C \(context)" }
        if query.all("per_session").first == "1" { flags += " --per-session 1" }
        return
            "salvage grep\(flags)\(PageCommand.flags(query)) -e \(PageCommand.quoted(text.isEmpty ? "PATTERN" : text))"
    }
}
