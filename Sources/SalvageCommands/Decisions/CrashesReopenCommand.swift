import Model

/// `salvage crashes reopen`: a signature is neither fixed nor ignored.
struct CrashesReopen: Command {
    static var name: String { "crashes reopen" }
    static var abstract: String { "Mark a signature as open: neither fixed nor ignored." }
    static var arguments: [CommandArgument<Self>] { [DecisionOptions.signature { $0.signature = $1 }] }
    static var flags: [CommandFlag<Self>] { DecisionOptions.flags.within(\.how) }

    var signature = ""
    var how = DecisionOptions()
    var options = GlobalOptions()

    func run() throws { try how.decide(about: signature, .reopen, options) }
}
