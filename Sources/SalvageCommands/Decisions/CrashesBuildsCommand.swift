import JSON
import Model
import Store
import Terminal
import Text

/// `salvage crashes builds`: the builds in their order, and how often they crash.
struct CrashesBuilds: Command {
    static var name: String { "crashes builds" }
    static var abstract: String { "List the builds, the latest first, with the share of sessions that crashed." }
    static var discussion: String {
        "Builds are ordered by version, else by when they were first seen, or as `builds: order:` in the configuration says. "
            + "Running sessions are not counted. With --signature, only crashes with that signature count."
    }
    static var flags: [CommandFlag<Self>] { SelectionOptions.flags.within(\.select) }

    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        let builds = try StoreAccess.store(options).builds(try select.selection(now: now), now: now)
        var listing = Listing<BuildRow>(Output(options))
        for build in builds { try listing.add(BuildRow(build: build)) }
        try listing.finish(orNothing: "no session that has ended matches", options)
    }
}
