import Terminal

/// Which commands print what is read from the top: their output goes through a pager if standard output is a terminal.
///
/// As with ripgrep, search results do not; neither does anything that prints while it works or waits.
enum Paging {
    private static let commands: Set<String> = [
        "sessions", "show", "why", "coverage", "crashes list", "crashes top", "crashes diff", "crashes builds",
        "crashes decisions", "crash", "analyze",
        "files", "logs", "symbols list", "symbols missing", "status",
    ]

    static func applies(to command: String) -> Bool { commands.contains(command) }

    /// Starts the pager for a command that writes to standard output itself. Call it right before the first output.
    static func start(_ options: GlobalOptions) {
        if options.pages { Pager.start() }
    }
}
