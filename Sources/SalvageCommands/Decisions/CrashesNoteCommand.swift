import Model

/// `salvage crashes note`: a note about a signature, or its ticket.
struct CrashesNote: Command {
    static var name: String { "crashes note" }
    static var abstract: String { "Add a note or the link of a ticket to a signature." }
    static var arguments: [CommandArgument<Self>] {
        [
            DecisionOptions.signature { $0.signature = $1 },
            .optional("text", "The note.") { $0.text = $1 },
        ]
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .text("ticket", value: "url", "A link to the ticket.") { $0.ticket = $1 }
        ]
        return own + DecisionOptions.flags.within(\.how)
    }

    var signature = ""
    var text: String?
    var ticket: String?
    var how = DecisionOptions()
    var options = GlobalOptions()

    func validate() throws {
        if text != nil, how.note != nil {
            throw Failure.usage("the note is given twice", hint: "leave out --note")
        }
    }

    func run() throws {
        var how = how
        how.note = text ?? how.note
        try how.decide(about: signature, .note, ticket: ticket, options)
    }
}
