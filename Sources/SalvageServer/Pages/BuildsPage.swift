import Model
import Store
import Text

/// The builds: is the newest worse?
enum BuildsPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        /// The builds, the latest first.
        var builds: [BuildOverview]
    }

    /// Builds that are listed.
    static let mostBuilds = 200

    /// Reads the facts.
    static func facts(_ store: Store, _ query: SelectionQuery, _ view: PageView) throws -> Facts {
        Facts(builds: try store.builds(query.selection, now: view.now))
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let shown = facts.builds.prefix(mostBuilds)
        let rows = shown.enumerated().map { place, build in
            row(build, earlier: facts.builds.dropFirst(place + 1).first, view)
        }
        let isFiltered = view.query.pairs.contains { !$0.value.isEmpty }
        var model: PageModel = [
            "summary": .text(
                counted(facts.builds.count, "build")
                    + (facts.builds.count > mostBuilds ? ", the latest \(mostBuilds) are shown." : ".")),
            "form": .one(PageForm.model(view, PageForm.selection)), "hasRows": .flag(!rows.isEmpty),
            "rows": .list(rows),
            "nothing": .text(isFiltered ? "No build has a session in this selection." : "No session has ended yet."),
            "commands": .list([["command": "salvage crashes diff"]]),
        ]
        if shown.count > 1 {
            func options(chosen: Int) -> PageModel.Value {
                .list(
                    shown.enumerated().map { place, build in
                        [
                            "optionValue": .text(build.tag), "optionLabel": .text(build.tag, most: 80),
                            "isChosen": .flag(place == chosen),
                        ]
                    })
            }
            model["compare"] = .one([
                "compareAction": .shown(view.link.path("/builds/diff")), "older": options(chosen: 1),
                "newer": options(chosen: 0),
            ])
        }
        return PageContent(template: "builds", title: "Builds", tab: .builds, model: model)
    }

    private static func row(_ build: BuildOverview, earlier: BuildOverview?, _ view: PageView) -> PageModel {
        let share = build.sessions > 0 ? Double(build.crashedSessions) / Double(build.sessions) : nil
        var row: PageModel = [
            "href": .shown(view.link.path("/crashes", [("tag", Glob.quoting(build.tag))])),
            "tag": .text(build.tag, most: 80), "images": .text(SignatureRow.names(build.images), most: 160),
            "sessions": .text(PageWords.count(build.sessions)),
            "crashed": .text(PageWords.count(build.crashedSessions)), "free": .text(free(share)),
            "share": .text(share.map(PageWords.percent) ?? "–"),
            "range": .text(PageWords.intervalText(build.crashedSessions, of: build.sessions) ?? "–"),
            "fresh": .text(PageWords.count(build.newSignatures)), "firstSeen": PageWords.time(build.firstSeen),
            "lastSeen": PageWords.time(build.lastSeen),
        ]
        if let earlier {
            row["diffLink"] = .one([
                "href": .shown(view.link.path("/builds/diff", [("a", earlier.tag), ("b", build.tag)])),
                "earlier": .text(earlier.tag, most: 60),
            ])
        }
        return row
    }

    /// The share of sessions that did not crash. It is rounded down, so that `100 %` means none crashed.
    static func free(_ crashedShare: Double?) -> String {
        guard let crashedShare, crashedShare.isFinite else { return "–" }
        let hundredths = ((1 - crashedShare) * 10_000).rounded(.down)
        let whole = Int(min(10_000, max(0, hundredths)))
        if whole == 10_000 { return "100 %" }
        return "\(whole / 100).\(whole % 100 < 10 ? "0" : "")\(whole % 100) %"
    }
}
