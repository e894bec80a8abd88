import Model
import Terminal

/// `salvage crashes ignore`: a signature is not worth attention for now.
struct CrashesIgnore: Command {
    static var name: String { "crashes ignore" }
    static var abstract: String { "Ignore a signature, for ever, until a time, or until it has more crashes." }
    static var discussion: String { "With --until and --crashes, whichever comes first ends it." }
    static var arguments: [CommandArgument<Self>] { [DecisionOptions.signature { $0.signature = $1 }] }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .text("until", value: "time", "Until this time: a span from now such as 7d, or a date.") { $0.until = $1 },
            .number("crashes", value: "count", "Until it has this many more crashes.") { $0.crashes = $1 },
        ]
        return own + DecisionOptions.flags.within(\.how)
    }

    var signature = ""
    var until: String?
    var crashes: Int?
    var how = DecisionOptions()
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        // Elsewhere a span lies in the past; here only the future makes sense.
        let span = until.flatMap { TimeText.parseSpan($0) }
        let end = try span.map { now &+ $0 } ?? SelectionOptions.instant(until, flag: "--until", now: now)
        try how.decide(about: signature, .ignore(until: end, crashes: crashes), options)
    }
}
