import Model

/// Merges the reports of one death in one log: the runtime's, the engine's, the shell's.
struct ReportedDeaths {
    /// A report that was judged a crash or a survived error.
    struct Told {
        var record: CrashRecord
        /// Offsets in the member of its first byte and of the byte after its last.
        var first: UInt64
        var end: UInt64
        var continues = false
        var opensProcess = false
        /// True if the report ends with words after which the process is gone.
        var isClosed = false
        var hasWord = false
    }

    /// The largest distance between two reports of one death, in bytes.
    private static let reach: UInt64 = 16 << 10
    /// The most logged lines between two reports: what a dying engine still logs.
    private static let lastLogged = 30
    /// The most lines without a logger's head between two reports.
    private static let lastRaw = 12

    let source: any ByteSource
    let supervisor: Supervisor
    let boundary: RunBoundary

    /// Returns the records in order, with one for each death. Survived errors stay as they are.
    func merge(_ told: [Told]) -> [CrashRecord] {
        var groups: [Told] = []
        for next in told {
            if next.record.isCrash, let last = groups.lastIndex(where: { $0.record.isCrash }),
                isSame(groups[last], next)
            {
                groups[last] = joined(groups[last], next)
            } else {
                groups.append(next)
            }
        }
        return groups.map(\.record)
    }

    private func joined(_ first: Told, _ second: Told) -> Told {
        var result = first
        let secondLeads = CrashMerger.rank(second.record) > CrashMerger.rank(first.record) && !second.continues
        result.record = secondLeads ? second.record : first.record
        CrashMerger.absorb(secondLeads ? first.record : second.record, into: &result.record)
        result.end = max(first.end, second.end)
        result.isClosed = first.isClosed || second.isClosed
        result.hasWord = first.hasWord || CrashMerger.isWord(second.record)
        return result
    }

    private func isSame(_ first: Told, _ second: Told) -> Bool {
        guard second.first <= first.end &+ Self.reach else { return false }
        if second.continues { return true }
        // A message of the shell or the kernel may precede the section about the same process.
        if second.opensProcess, !CrashMerger.isWord(first.record) { return false }
        if let left = first.record.pid, let right = second.record.pid, left != right { return false }
        guard CrashMerger.signalsAgree(first.record, second.record) else { return false }
        if let left = first.record.address, let right = second.record.address, left != right,
            first.record.detector == second.record.detector
        {
            return false
        }
        let isWord = CrashMerger.isWord(second.record) || CrashMerger.isWord(first.record)
        guard let between = lines(from: first.end, to: second.first, isWord: isWord) else { return false }
        return first.record.detector != second.record.detector || isOneAccount(first, second, between)
    }

    /// True if two reports of one format describe one death. A process dies once, so a report that is apart or differs
    /// belongs to the next process.
    private func isOneAccount(_ first: Told, _ second: Told, _ between: Between) -> Bool {
        let (left, right) = (first.record, second.record)
        if first.isClosed || first.hasWord { return false }
        if TextReportFormats.printsInParts(left.detector) {
            // An engine may print its message and its stack separately.
            if left.frames.isEmpty || right.frames.isEmpty { return true }
            return !between.hasWords
        }
        return !between.hasWords && left.signature == right.signature
    }

    /// The lines between two reports.
    private struct Between {
        /// True if a line holds a letter, so that it is more than blank or a rule.
        var hasWords = false
    }

    /// Reads the lines between two reports; nil if they are too far apart or another run begins. `isWord` allows more
    /// lines: the message of a shell or a supervisor may follow a long shutdown.
    private func lines(from start: UInt64, to end: UInt64, isWord: Bool) -> Between? {
        var between = Between()
        var lines = RunLines(source, from: start, to: end, supervisor: supervisor, boundary: boundary)
        var logged = 0
        var raw = 0
        while let line = lines.next() {
            if line.text.contains(where: \.isLetter) { between.hasWords = true }
            if line.isSupervisors { continue }
            if !line.head.isLogged {
                raw += 1
            } else if !isWord || !Aftermath.isShutdown(line.text, line.head) {
                logged += 1
            }
            if logged > (isWord ? Aftermath.hundred : Self.lastLogged) || raw > (isWord ? 3 : 1) * Self.lastRaw {
                return nil
            }
        }
        guard !lines.isOver, !lines.isUnreadable else { return nil }
        return between
    }
}
