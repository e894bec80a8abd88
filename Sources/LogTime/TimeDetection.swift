extension TimeFormat {
    /// Most lines of one sample. Two samples are taken: one at the beginning and, because server logs often begin with
    /// a launcher's output, one from the middle of the rest.
    private static let sampleLines = 200
    /// Most lines of a sample that suffices when nearly all lines agree.
    private static let quickLines = 25

    /// Finds the format of a member from its first bytes.
    ///
    /// Chooses the format of most lines, if its times are mostly in order; ``TimeReader`` still reads lines in other
    /// formats. Distinctive formats are searched in all of `head`.
    /// - Parameter head: the first bytes of the member, ideally its whole first block.
    /// - Returns: the format, or `.none`.
    public static func detect(_ head: UnsafeRawBufferPointer) -> TimeFormat {
        var tallies = byPreference.map { Tally(reader: TimeReader(format: $0, context: TimeContext())) }
        var lines = 0
        var walk = LineWalk(head)
        sampleTwice(walk, quickLines, &tallies, &lines)
        if let chosen = best(of: tallies, lines: lines), chosen.hits * 20 >= lines * 19 { return chosen.reader.format }
        tallies = tallies.map { Tally(reader: $0.reader) }
        lines = 0
        walk = sampleTwice(walk, sampleLines, &tallies, &lines)
        if let best = best(of: tallies, lines: lines) { return best.reader.format }
        // Outside the samples, only distinctive formats are trusted, and only when two lines have them.
        tallies = byPreference.filter { $0.isDistinctive && $0 != .namedMonth }.map {
            Tally(reader: TimeReader(format: $0, context: TimeContext()))
        }
        while let line = walk.next() {
            for index in tallies.indices {
                tallies[index].take(line)
                if tallies[index].hits >= 2 { return tallies[index].reader.format }
            }
        }
        return .none
    }

    /// The first counter value of a member in milliseconds, if the format counts from a start; otherwise 0.
    /// - Parameter head: the first bytes of the member.
    public func counterStart(_ head: UnsafeRawBufferPointer) -> Int64 {
        guard countsFromStart else { return 0 }
        let reader = TimeReader(format: self, context: TimeContext())
        var walk = LineWalk(head)
        while let line = walk.next() {
            if let stamp = reader.ownStamp(of: line) { return stamp }
        }
        return 0
    }

    /// Returns the walk after the first of the two samples.
    @discardableResult
    private static func sampleTwice(
        _ walk: LineWalk, _ most: Int, _ tallies: inout [Tally], _ lines: inout Int
    ) -> LineWalk {
        var walk = walk
        sample(&walk, most, &tallies, &lines)
        let behind = walk
        walk.skipToMiddle()
        sample(&walk, most, &tallies, &lines)
        return behind
    }

    private static func sample(_ walk: inout LineWalk, _ most: Int, _ tallies: inout [Tally], _ lines: inout Int) {
        var taken = 0
        while taken < most, let line = walk.next() {
            guard line.count > 0 else { continue }
            taken += 1
            for index in tallies.indices { tallies[index].take(line) }
        }
        lines += taken
    }

    private static func best(of tallies: [Tally], lines: Int) -> Tally? {
        var chosen: Tally?
        for tally in tallies where tally.isTrusted(lines: lines) {
            if let have = chosen, have.hits >= tally.hits { continue }
            chosen = tally
        }
        return chosen
    }

    /// Counts how often one format fits, and how often time goes backwards.
    private struct Tally {
        let reader: TimeReader
        var hits = 0
        var backwards = 0
        var first: Int64?
        var last: Int64?

        init(reader: TimeReader) { self.reader = reader }

        mutating func take(_ line: UnsafeRawBufferPointer) {
            guard let stamp = reader.ownStamp(of: line) else { return }
            hits += 1
            if let last, stamp < last { backwards += 1 }
            if first == nil { first = stamp }
            last = stamp
        }

        func isTrusted(lines: Int) -> Bool {
            guard hits > 0, backwards * 5 <= hits * 2 else { return false }
            // A time of day may be written the same way, but a server's uptime starts near zero.
            if reader.format == .elapsed, first ?? 0 >= 60_000 { return false }
            if reader.format.isDistinctive { return hits >= 2 || hits * 4 >= lines }
            if hits * 4 >= lines { return true }
            // Banners and stack traces may outnumber lines with timestamps; timestamps in order are no accident.
            return hits >= 8 && hits * 20 >= lines && backwards * 10 <= hits
        }
    }
}
