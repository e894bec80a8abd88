/// The pager that the environment names, as words to run.
struct PagerCommand: Equatable {
    /// The program and its arguments.
    let words: [String]

    /// `SALVAGE_PAGER`, else `PAGER`, else `less -FRX`; nil if the first of them that is set is empty or `cat`, and on a
    /// terminal that cannot move its cursor.
    init?(_ value: (_ variable: String) -> String?) {
        guard value("TERM") != "dumb" else { return nil }
        let text = value("SALVAGE_PAGER") ?? value("PAGER") ?? "less -FRX"
        let words = text.split(separator: " ").map(String.init)
        guard !words.isEmpty, words != ["cat"] else { return nil }
        // As git does: only what a shell would read differently goes through one.
        let special = "|&;<>()$`\\\"'\t\n*?[#~=%"
        self.words = text.utf8.contains(where: { special.utf8.contains($0) }) ? ["/bin/sh", "-c", text] : words
    }
}
