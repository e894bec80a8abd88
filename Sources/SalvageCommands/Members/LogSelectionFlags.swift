import Model

/// The flags that select the sessions around whose crashes `logs` prints lines.
struct LogSelectionFlags {
    var signatures: [String] = []
    var sessions: Int?
    var selection = SelectionOptions()

    /// How many sessions are printed without a flag.
    static let usual = 10

    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .texts(
                "signature", value: "glob",
                "Print the lines before the latest crash with this signature, or one that matches this glob, of each "
                    + "session. May be repeated; any may match."
            ) { $0.signatures.append($1) },
            .number("sessions", value: "count", "At most this many sessions, the newest (default: \(usual)).") {
                $0.sessions = $1
            },
            .number("limit", value: "count", "Another name of --sessions.") { $0.sessions = $1 },
        ]
        // Its time flags select lines, and its sessions are arguments.
        let left: Set = ["session", "since", "until", "limit", "signature"]
        let shared = SelectionOptions.flags.filter { !left.contains($0.description.long ?? "") }
        return own.under("Selection") + shared.within(\.selection)
    }

    /// Whether a flag selects sessions.
    var isGiven: Bool { !signatures.isEmpty || selection.isNarrow }

    /// The crashes. Throws a usage error for a flag that cannot be parsed.
    func crashes(since: String?, until: String?) throws -> Selection {
        var options = selection
        options.since = since
        options.until = until
        var crashes = try options.selection()
        crashes.signatures += signatures
        return crashes
    }
}
