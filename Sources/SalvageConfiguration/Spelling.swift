/// Suggests the known name closest to an unknown one.
package enum Spelling {
    /// Returns the candidate with the smallest edit distance to `word`, or nil when none is close enough to be a typo.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        let text = Array(word.lowercased().utf8.prefix(64))
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = edits(text, Array(candidate.lowercased().utf8.prefix(64)))
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, min(3, text.count / 2)) else { return nil }
        return best.name
    }

    /// Returns the edit distance: the number of insertions, deletions, replacements and swaps of neighbors.
    private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (byte == other ? 0 : 1))
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
