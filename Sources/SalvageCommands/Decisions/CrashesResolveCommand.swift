import Model
import Terminal

/// `salvage crashes resolve`: a signature is fixed.
struct CrashesResolve: Command {
    static var name: String { "crashes resolve" }
    static var abstract: String { "Mark a signature as fixed, in a build or from now on." }
    static var discussion: String {
        """
        A crash in that build or a later one makes the signature `returned`; one in an older build does not. Without \
        --fixed-in, a crash of a session that begins after this decision does. Builds are ordered by version, else by \
        when they were first seen, or as `builds: order:` in the configuration says.
        """
    }
    static var arguments: [CommandArgument<Self>] { [DecisionOptions.signature { $0.signature = $1 }] }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .text("fixed-in", value: "tag", "The first build that has the fix.") { $0.tag = $1 },
            .text("ticket", value: "url", "A link to the ticket.") { $0.ticket = $1 },
        ]
        return own + DecisionOptions.flags.within(\.how)
    }

    var signature = ""
    var tag: String?
    var ticket: String?
    var how = DecisionOptions()
    var options = GlobalOptions()

    func run() throws { try how.decide(about: signature, .resolve(fixedIn: tag), ticket: ticket, options) }
}
