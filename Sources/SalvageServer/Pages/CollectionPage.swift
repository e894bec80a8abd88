import Catalog
import Model
import Store
import Terminal
import Text

/// Whether everything is collected.
enum CollectionPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        var groups: [ArtifactCoverage]
        var pulse: StorePulse
        /// The newest lost sessions of the selection.
        var lost: [SessionRecord]
        var trouble: String?
    }

    /// The time that is counted unless the address says another.
    private static let span = "24h"
    private static let mostLost = 50
    private static let mostDeadlines = 20
    private static let mostGroups = 200

    /// Reads the facts.
    static func facts(_ store: Store, _ query: SelectionQuery, _ view: PageView) throws -> Facts {
        var selection = query.selection
        if selection.since == nil { selection.since = TimeText.parse(span, now: view.now) }
        var lost = selection
        lost.states = [.lost]
        lost.limit = mostLost
        return Facts(
            groups: try store.artifactCoverage(selection),
            pulse: try store.pulse(now: view.now, deadlines: mostDeadlines), lost: try store.sessions(lost),
            trouble: try store.packTrouble())
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let isDefault = view.query.all("since").isEmpty
        let absent = facts.groups.filter(\.isAbsentEverywhere)
        return PageContent(
            template: "collection", title: "Collection", tab: .collection,
            model: [
                "summary": .text(
                    isDefault
                        ? "Sessions that ended in the last 24 hours, and those that run."
                        : "Sessions that the filters select."),
                "notes": .list(notes(facts, absent)), "form": .one(PageForm.model(view, PageForm.selection)),
                "hasGroups": .flag(!facts.groups.isEmpty),
                "groups": .list(facts.groups.prefix(mostGroups).map(group)),
                "groupsCaption": .text(
                    "Ledger rows of each state"
                        + (facts.groups.count > mostGroups ? ", the first \(mostGroups) groups" : "")),
                "hasDeadlines": .flag(!facts.pulse.deadlines.isEmpty),
                "deadlines": .list(facts.pulse.deadlines.map { deadline($0, view) }),
                "hasLost": .flag(!facts.lost.isEmpty),
                "lostCaption": .text(
                    facts.lost.count < mostLost
                        ? counted(facts.lost.count, "session") : "The newest \(facts.lost.count) sessions"),
                "lostRows": .list(facts.lost.map { lost($0, view) }),
                "commands": .list([
                    ["command": .text("salvage coverage" + PageCommand.flags(view.query))],
                    ["command": "salvage doctor"],
                ]),
            ])
    }

    private static func notes(_ facts: Facts, _ absent: [ArtifactCoverage]) -> [PageModel] {
        var notes: [PageModel] = []
        for group in absent.prefix(10) {
            notes.append(
                PageNote.model(
                    .warning, "\(group.artifact) does not exist in any session of \(named(group.image)).",
                    hint: "Correct the path in the configuration, or check that the server writes it."))
        }
        let lost = facts.groups.reduce(0) { $0 + ($1.states[.lost] ?? 0) }
        if lost > 0 {
            notes.append(
                PageNote.model(
                    .failure, "\(counted(lost, "artifact was", "artifacts were")) lost: the container was gone."))
        }
        if facts.pulse.flow.overdue > 0 {
            let count = counted(facts.pulse.flow.overdue, "session is", "sessions are")
            notes.append(PageNote.model(.warning, "\(count) past the deadline and not fetched."))
        }
        if let trouble = facts.trouble { notes.append(PageNote.model(.warning, trouble)) }
        if notes.isEmpty { notes.append(PageNote.model(.ok, "All quiet: nothing is lost, late or absent everywhere.")) }
        return notes
    }

    private static func named(_ image: String) -> String { image.isEmpty ? "an unknown image" : image }

    private static func group(_ group: ArtifactCoverage) -> PageModel {
        func count(_ state: ArtifactState) -> PageModel.Value { .text(PageWords.count(group.states[state] ?? 0)) }
        return [
            "image": .text(named(group.image), most: 120), "artifact": .text(group.artifact, most: 300),
            "isAbsentEverywhere": .flag(group.isAbsentEverywhere), "collected": count(.collected),
            "share": .text(group.collectedShare.map { BuildsPage.free(1 - $0) } ?? "–"), "absent": count(.absent),
            "incomplete": count(.incomplete), "failed": count(.failed), "lost": count(.lost),
            "pending": count(.pending), "skipped": count(.skipped),
        ]
    }

    private static func deadline(_ deadline: StorePulse.Deadline, _ view: PageView) -> PageModel {
        let build = [named(deadline.image), deadline.tag].compactMap { $0 }.joined(separator: ":")
        let (left, overflow) = deadline.time.subtractingReportingOverflow(view.now)
        return [
            "href": .shown(view.link.session(deadline.session)), "session": .text(deadline.session, most: 160),
            "build": .text(build, most: 120), "time": PageWords.time(deadline.time),
            "left": .text(!overflow && left > 0 ? TimeText.span(left) : "overdue"),
        ]
    }

    private static func lost(_ session: SessionRecord, _ view: PageView) -> PageModel {
        [
            "href": .shown(view.link.session(session.session)), "session": .text(session.session, most: 160),
            "build": .text(SessionsPage.build(session), most: 120), "time": PageWords.time(session.at),
            "reason": .text(session.reason ?? "", most: 300),
        ]
    }
}
