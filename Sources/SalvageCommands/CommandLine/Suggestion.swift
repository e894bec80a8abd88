/// Suggests commands for mistyped words.
enum Suggestion {
    /// Returns the usage error for words that call no command. It names the closest command.
    /// - Parameters:
    ///   - words: the words that were given; the first is the mistake.
    ///   - known: the words that could stand in its place.
    ///   - noun: the word before them, if any.
    static func unknownCommand(in words: [String], known: [String], after noun: String? = nil) -> Failure {
        let word = words.first ?? ""
        let prefix = noun.map { $0 + " " } ?? ""
        let near = closest(to: word, in: known)
        return Failure(
            "unknown_command", "there is no command '\(prefix)\(word)'",
            hint: near.map { "did you mean 'salvage \(prefix)\($0)'?" }
                ?? "'salvage \(prefix)--help' lists the commands",
            status: .usage)
    }

    /// Returns the candidate with the smallest edit distance; nil if that exceeds both 2 and a third of the word's length.
    static func closest(to word: String, in candidates: [String]) -> String? {
        let scored = candidates.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }
        guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(2, word.utf8.count / 3) else { return nil }
        return best.0
    }

    /// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours cost one each.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in 0...a.count { rows[i][0] = i }
        for j in 0...b.count { rows[0][j] = j }
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        for i in 1...a.count {
            for j in 1...b.count {
                let cost = a[i - 1] == b[j - 1] ? 0 : 1
                rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
                }
            }
        }
        return rows[a.count][b.count]
    }
}
