import Catalog
import CrashAnalysis
import Model
import Store
import Terminal
import Text

/// `salvage crashes`: list them, or group them by signature.
enum Crashes {
    /// The commands about many crashes, for the table.
    static var noun: CommandNoun {
        CommandNoun(
            word: "crashes",
            abstract:
                "List crashes, group them (`crashes top`), compare builds (`crashes diff`), or decide about a signature.",
            commands: [.query(CrashesList.self), .query(CrashesTop.self), .query(CrashesDiff.self)] + decisions,
            standard: .query(CrashesList.self))
    }

    /// The commands about builds and about what is decided.
    private static let decisions: [CommandEntry] = [
        .query(CrashesBuilds.self), .query(CrashesResolve.self), .query(CrashesIgnore.self),
        .query(CrashesReopen.self), .query(CrashesAssign.self), .query(CrashesNote.self), .query(CrashesMerge.self),
        .query(CrashesUnmerge.self), .query(CrashesDecisions.self),
    ]
}

/// The flags that choose crashes within the selected sessions.
struct CrashOptions {
    var errors = false

    static var flags: [CommandFlag<Self>] {
        [
            .toggle("errors", nil, "Instead of crashes, show survived errors and snapshots of live processes.") {
                $0.errors = true
            }
        ]
    }

    /// Returns the session selection with these flags added; throws as `SelectionOptions.selection` does.
    func selection(_ select: SelectionOptions) throws -> Selection {
        var selection = try select.selection()
        selection.errors = errors
        return selection
    }
}

/// `salvage crashes list`, the default of `salvage crashes`.
struct CrashesList: Command {
    static var name: String { "crashes list" }
    static var abstract: String { "List crashes, newest first." }
    static var discussion: String {
        "--since and --until apply to the time of the crash."
    }
    static var flags: [CommandFlag<Self>] {
        CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        var listing = Listing<ListedCrash>(Output(options))
        try StoreAccess.store(options).forEachCrash(try which.selection(select)) { try listing.add($0) }
        try listing.finish(orNothing: "no crash matches", options)
    }
}
