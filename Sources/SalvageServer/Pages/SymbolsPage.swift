import CrashAnalysis
import Model
import Store
import Text

/// The symbols that crashes wait for.
enum SymbolsPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        var entries: [MissingSymbols.Entry]
        /// Why some of the store's symbols cannot be read now.
        var unread: [String]
    }

    private static let mostEntries = 200

    /// Reads the facts.
    static func facts(_ store: Store) throws -> Facts {
        let missing = try store.missingSymbols(Selection())
        return Facts(entries: missing.entries, unread: missing.unread.map { "\($0)" })
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let entries = facts.entries
        let crashes = entries.map(\.crashes).max() ?? 0
        var model: PageModel = [
            "summary": .text(
                entries.isEmpty
                    ? "All quiet: no crash waits for symbols."
                    : "\(counted(entries.count, "file is", "files are")) missing, without which some functions of crashes "
                        + "have no names. \(counted(crashes, "crash needs", "crashes need")) the first."),
            "hasRows": .flag(!entries.isEmpty),
            "caption": .text(
                "Those that most crashes need first"
                    + (entries.count > mostEntries ? "; \(mostEntries) of \(entries.count)" : "")),
            "rows": .list(
                entries.prefix(mostEntries).map { entry in
                    [
                        "module": .text(entry.module.isEmpty ? "unknown module" : entry.module, most: 200),
                        "identity": .text(entry.identity, most: 100), "crashes": .text(PageWords.count(entry.crashes)),
                        "builds": .text(SignatureRow.names(entry.builds, most: 6), most: 400),
                    ]
                }),
            "commands": .list(
                [
                    "salvage symbols missing", "salvage symbols add FOLDER",
                    "curl -T FILE -H \"Authorization: Bearer $TOKEN\" \(PageCommand.quoted(view.server + view.link.api("/symbols")))",
                ].map { ["command": .text($0)] }),
        ]
        if let first = facts.unread.first {
            let more = facts.unread.count > 1 ? ", and \(counted(facts.unread.count - 1, "more problem"))" : ""
            model["unread"] = .one(["unreadText": .text("Cannot be read now: \(first)\(more)")])
        }
        if view.may(.upload) { model["upload"] = .one(["put": .shown(view.link.api("/symbols"))]) }
        return PageContent(template: "symbols", title: "Symbols", tab: .symbols, model: model)
    }
}
