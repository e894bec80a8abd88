/// Cuts texts to the lengths that chat services take.
enum MessageCut {
    /// The text, cut between characters to a number of UTF-16 code units, with an ellipsis.
    static func utf16(_ text: String, most: Int) -> String {
        guard text.utf16.count > most else { return text }
        var kept = ""
        var length = 1
        for character in text {
            length += character.utf16.count
            guard length <= most else { break }
            kept.append(character)
        }
        return kept + "…"
    }
}
