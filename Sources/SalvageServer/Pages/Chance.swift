/// Whether the difference of two shares is more than chance.
enum Chance {
    /// How two shares differ.
    enum Verdict: Sendable {
        /// As much as they may by chance, or by too few sessions to tell.
        case likelyChance
        /// The second is greater, and that happens by chance in less than one of twenty cases.
        case more
        /// The second is smaller, and that happens by chance in less than one of twenty cases.
        case fewer
    }

    /// Compares two shares by Newcombe's interval for their difference, which holds for few sessions, too.
    static func compare(_ hits: Int, of trials: Int, with otherHits: Int, of otherTrials: Int) -> Verdict {
        guard let first = PageWords.interval(hits, of: trials),
            let second = PageWords.interval(otherHits, of: otherTrials)
        else { return .likelyChance }
        let (a, b) = (Double(hits) / Double(trials), Double(otherHits) / Double(otherTrials))
        func root(_ left: Double, _ right: Double) -> Double { (left * left + right * right).squareRoot() }
        let difference = b - a
        let low = difference - root(b - second.low, first.high - a)
        let high = difference + root(second.high - b, a - first.low)
        return low > 0 ? .more : high < 0 ? .fewer : .likelyChance
    }
}
