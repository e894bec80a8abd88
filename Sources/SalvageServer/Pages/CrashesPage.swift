import Catalog
import Model
import Store
import Text

/// The list of signatures: what hurts most, since which build?
enum CrashesPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        /// The selected signatures, most crashes first.
        var signatures: [SignatureOverview]
    }

    /// The orders of the list.
    enum Order: String, CaseIterable, Sendable {
        case crashes, share, sessions, first, last
    }

    /// Signatures on a page.
    static let pageSize = 50

    /// Reads the facts.
    static func facts(_ store: Store, _ query: SelectionQuery, _ view: PageView) throws -> Facts {
        var signatures = try store.signatures(query.selection, now: view.now)
        let states = query.selection.signatureStates
        if !states.isEmpty { signatures.removeAll { !states.contains($0.state) } }
        if let text = view.query.all("text").first {
            let wanted = Array(text.utf8.map(lowered))
            signatures.removeAll { !contains(Array($0.signature.utf8.map(lowered)), wanted) }
        }
        return Facts(signatures: sorted(signatures, by: order(view)))
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let page = min(10_000, max(1, view.query.all("page").first.flatMap { Int($0) } ?? 1))
        let start = min(facts.signatures.count, (page - 1) * pageSize)
        let shown = facts.signatures[start..<min(facts.signatures.count, start + pageSize)]
        let days = SignatureRow.Days(Array(shown))
        let crashes = facts.signatures.reduce(0) { $0 &+ $1.selected.count }
        let isFiltered = view.query.pairs.contains { !$0.value.isEmpty && $0.name != "sort" && $0.name != "page" }
        var model: PageModel = [
            "summary": .text(
                "\(counted(facts.signatures.count, "signature")), \(counted(crashes, "crash", "crashes"))"
                    + (isFiltered ? " in this selection." : " in the whole store.")),
            "form": .one(PageForm.model(view, fields)), "hasRows": .flag(!shown.isEmpty),
            "caption": .text("Share is of the selected sessions that have ended. " + days.caption),
            "sorts": .list(headings(view)), "rows": .list(shown.map { SignatureRow.model($0, days: days, view) }),
            "nothing": .text(
                isFiltered
                    ? "No crash matches these filters. Reset them, or widen the time."
                    : "No crash is stored. All quiet."),
            "commands": .list([["command": .text("salvage crashes top" + PageCommand.flags(view.query))]]),
        ]
        let note = "\(start + 1)–\(start + shown.count) of \(facts.signatures.count)"
        let next = start + shown.count < facts.signatures.count ? view.here([("page", String(page + 1))]) : nil
        model = model.with(
            PagePaging(first: page > 1 ? view.here([("page", nil)]) : nil, next: next, note: note).model)
        return PageContent(template: "crashes", title: "Crashes", tab: .crashes, model: model)
    }

    private static let fields: [PageForm.Field] =
        [
            .text("text", "Signature has", hint: "part of its text", grows: true),
            .choice(
                "state", "State",
                [("", "any")] + SignatureState.allCases.map { ($0.rawValue, $0.rawValue) }),
        ] + PageForm.selection + [.kept("signature"), .kept("session"), .kept("sort")]

    private static func order(_ view: PageView) -> Order {
        view.query.all("sort").first.flatMap { Order(rawValue: $0) } ?? .crashes
    }

    private static func sorted(_ signatures: [SignatureOverview], by order: Order) -> [SignatureOverview] {
        switch order {
        case .crashes: signatures
        case .share: signatures.sorted { ($0.share ?? 0) > ($1.share ?? 0) }
        case .sessions: signatures.sorted { $0.selected.sessions > $1.selected.sessions }
        case .first: signatures.sorted { $0.firstSeen > $1.firstSeen }
        case .last: signatures.sorted { $0.selected.lastSeen > $1.selected.lastSeen }
        }
    }

    private static func headings(_ view: PageView) -> [PageModel] {
        let current = order(view)
        let all: [(String, Order?, isNumber: Bool)] = [
            ("Share", .share, true), ("Crashes", .crashes, true), ("Sessions", .sessions, true),
            ("Per day", nil, false), ("First build", .first, false), ("Last build", .last, false),
            ("Regions", nil, false), ("State", nil, false), ("Owner", nil, false),
        ]
        return all.map { name, order, isNumber in
            var model: PageModel = ["heading": .text(name), "isNumber": .flag(isNumber)]
            guard let order else { return model }
            if order == current {
                model["sortState"] = .one(["sorted": "descending"])
            } else {
                let sort = order == .crashes ? nil : order.rawValue
                model["sortLink"] = .one(["href": .shown(view.here([("sort", sort), ("page", nil)]))])
            }
            return model
        }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    private static func contains(_ text: [UInt8], _ wanted: [UInt8]) -> Bool {
        guard let first = wanted.first else { return true }
        guard text.count >= wanted.count else { return false }
        return (0...(text.count - wanted.count)).contains { start in
            text[start] == first && text[start..<start + wanted.count].elementsEqual(wanted)
        }
    }
}
