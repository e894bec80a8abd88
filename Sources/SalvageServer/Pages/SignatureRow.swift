import Calendar
import Catalog
import Model
import Store
import Text

/// One line of a list of signatures.
enum SignatureRow {
    /// The days that a list's small charts show: the same for all of its rows.
    struct Days: Sendable, Equatable {
        /// Most days that fit.
        static let most = 21
        /// The first day (days since 1970 in UTC).
        let first: Int
        /// The number of days.
        let count: Int
        /// The most crashes of one signature on one of the days.
        let highest: Int

        /// The days of these signatures that end with the latest.
        init(_ signatures: [SignatureOverview]) {
            let days = signatures.flatMap { $0.selected.perDay.map(\.day) }
            let last = days.max() ?? 0
            let from = max(days.min() ?? 0, last &- (Self.most - 1))
            first = from
            count = last - from + 1
            highest = signatures.flatMap { $0.selected.perDay.filter { $0.day >= from }.map(\.count) }.max() ?? 0
        }

        /// The chart of one signature.
        func chart(_ perDay: [SignatureSummary.Day]) -> PageModel {
            var values = [Double?](repeating: 0, count: count)
            for day in perDay where day.day >= first && day.day - first < count {
                values[day.day - first] = Double(day.count)
            }
            let shown = perDay.filter { $0.day >= first }.suffix(7)
            let words = shown.map { "\(CivilDate(daysSince1970: $0.day).text()): \($0.count)" }
            return BarStrip(
                values: values, most: Double(highest), label: "Crashes per day. " + words.joined(separator: ", ")
            ).model
        }

        /// What the charts show, for the heading: `14 days to 2026-11-30, full bar = 12 crashes`.
        var caption: String {
            guard highest > 0 else { return "" }
            let last = CivilDate(daysSince1970: first + count - 1).text()
            return
                "Bars: \(counted(count, "day")) to \(last); a full bar is \(counted(highest, "crash", "crashes")) a day."
        }
    }

    /// The values of a row.
    static func model(_ overview: SignatureOverview, days: Days, _ view: PageView) -> PageModel {
        let selected = overview.selected
        var row: PageModel = [
            "href": .shown(view.link.signature(overview.id)), "signature": .text(overview.signature, most: 240),
            "state": .shown(overview.state.rawValue), "stateWord": .shown(overview.state.rawValue),
            "share": .text(overview.share.map(PageWords.percent) ?? "–"),
            "crashes": .text(PageWords.count(selected.count)), "sessions": .text(PageWords.count(selected.sessions)),
            "chart": .one(days.chart(selected.perDay)), "firstSeen": PageWords.time(overview.firstSeen),
            "lastSeen": PageWords.time(overview.lastSeen),
            "firstTag": .text(overview.firstTag ?? "–", most: 60), "lastTag": .text(overview.lastTag ?? "–", most: 60),
            "locations": .text(names(selected.locations), most: 120),
            "owner": .text(overview.standing.owner ?? "", most: 60),
        ]
        if let note = stateNote(overview) { row["stateNote"] = .one(note) }
        if let ticket = overview.standing.ticket { row["ticket"] = .one(Self.ticket(ticket)) }
        return row
    }

    /// A ticket: a link if it leads to the web, else its text.
    static func ticket(_ ticket: String) -> PageModel {
        var model: PageModel = ["ticketText": .text(shortened(ticket), most: 60)]
        if let href = PageLink.web(ticket) { model["ticketLink"] = .one(["href": .shown(href)]) }
        return model
    }

    /// What stands beside the state: the build of a fix. Nil if there is nothing.
    static func stateNote(_ overview: SignatureOverview) -> PageModel? {
        guard overview.state == .fixed || overview.state == .returned,
            case .resolve(let tag?) = overview.standing.resolution?.action
        else { return nil }
        return ["stateNoteText": .text(overview.state == .returned ? "fixed in \(tag)" : "in \(tag)", most: 60)]
    }

    /// The first names and how many more there are.
    static func names(_ names: [String], most: Int = 3) -> String {
        guard !names.isEmpty else { return "–" }
        return names.prefix(most).joined(separator: ", ") + (names.count > most ? " +\(names.count - most)" : "")
    }

    /// The last part of a link, which is what people call a ticket.
    private static func shortened(_ ticket: String) -> String {
        guard PageLink.web(ticket) != nil, let last = ticket.split(separator: "/").last, last.count >= 2 else {
            return ticket
        }
        return String(last)
    }
}
