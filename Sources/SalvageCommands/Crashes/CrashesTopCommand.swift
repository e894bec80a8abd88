import Model
import Store
import Terminal
import Text

/// `salvage crashes top`: which crashes hurt most, since which build, in which region.
struct CrashesTop: Command {
    static var name: String { "crashes top" }
    static var abstract: String { "Group crashes by signature, most frequent first." }
    static var discussion: String {
        "Tables show the first \(shown) signatures unless --limit is given; --json prints all. Running "
            + "sessions are not counted; `salvage crashes` lists the crashes found in their followed logs. State, first and "
            + "last build are those of the whole store; the other columns are about the selected crashes. SHARE is that of "
            + "the selected sessions that have ended."
    }

    static var flags: [CommandFlag<Self>] {
        CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    private static let shown = 20

    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        let top = try StoreAccess.store(options).signatures(try which.selection(select), now: now)
        let output = Output(options)
        // A table without --limit is for a screen.
        let visible = options.json || select.limit != nil ? top[...] : top.prefix(Self.shown)
        var listing = Listing<TopRow>(output)
        for row in TopRow.rows(visible, now: now) { try listing.add(row) }
        if top.isEmpty { try output.nothing("no crash matches", options) }
        listing.finish()
        if visible.count < top.count, !options.quiet {
            let more = counted(top.count - visible.count, "more signature")
            output.text(output.style.dim("… and \(more); --limit \(top.count)"))
        }
        try output.finish()
    }
}
