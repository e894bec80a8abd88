import Model

/// `salvage crashes assign`: somebody owns a signature.
struct CrashesAssign: Command {
    static var name: String { "crashes assign" }
    static var abstract: String { "Say who owns a signature; without an owner, nobody does." }
    static var arguments: [CommandArgument<Self>] {
        [
            DecisionOptions.signature { $0.signature = $1 },
            .optional("owner", "The owner's name; left out: nobody.") { $0.owner = $1 },
        ]
    }
    static var flags: [CommandFlag<Self>] { DecisionOptions.flags.within(\.how) }

    var signature = ""
    var owner: String?
    var how = DecisionOptions()
    var options = GlobalOptions()

    func run() throws { try how.decide(about: signature, .assign(owner: owner), options) }
}
