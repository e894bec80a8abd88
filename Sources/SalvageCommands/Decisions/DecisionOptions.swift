import Glibc
import JSON
import Model
import Store
import Terminal

/// The flags of all commands that decide about a signature, and what they do.
struct DecisionOptions {
    var author: String?
    var note: String?

    static var flags: [CommandFlag<Self>] {
        [
            .text("note", value: "text", "A note for the history.") { $0.note = $1 },
            .text(
                "as", value: "name", "Who decides; by default the user who called sudo, or the user of this process."
            ) { $0.author = $1 },
        ]
    }

    /// The argument that names the signature.
    static func signature<Options>(set: @escaping (inout Options, String) -> Void) -> CommandArgument<Options> {
        .one(
            "signature",
            "The signature: its id, a unique part of its text, or the id of a crash or a session with it.", set: set)
    }

    /// Makes a decision about the signature that `name` means, and prints what is now true.
    func decide(
        about name: String, _ action: Decision.Action, ticket: String? = nil, _ options: GlobalOptions
    ) throws {
        let now = TimeText.now()
        let store = try StoreAccess.store(options)
        let signature = try store.signature(named: name, now: now).signature
        let overview = try store.decide(decision(signature, action, ticket: ticket, now: now), now: now)
        try print(overview, options)
    }

    /// An entry of the journal by the user who runs the command.
    func decision(
        _ signature: String, _ action: Decision.Action, ticket: String? = nil, now: Int64
    ) -> Decision {
        Decision(
            signature: signature, time: now, author: author ?? Self.user, action: action, ticket: ticket, note: note)
    }

    /// Prints what is true of a signature.
    func print(_ overview: SignatureOverview, _ options: GlobalOptions) throws {
        let output = Output(options)
        if options.json {
            output.line(Shapes.signature.line(overview))
        } else if !options.quiet {
            StandingText.write(overview, to: output)
        }
        try output.finish()
    }

    /// Who runs the command, also with sudo.
    static var user: String {
        for name in ["SUDO_USER", "USER"] {
            if let user = Environment.value(name), !user.isEmpty { return user }
        }
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "uid \(getuid())" }
        return String(cString: name)
    }
}
