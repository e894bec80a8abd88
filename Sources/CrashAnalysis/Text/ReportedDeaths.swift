/// Makes one crash of the reports in one log that tell of one death: the runtime's words, the engine's, the shell's.
struct ReportedDeaths {
    /// A report that was judged.
    struct Told {
        var record: CrashRecord
        /// Offsets of its first byte and of what follows it.
        var first: UInt64
        var end: UInt64
        var continues = false
        var opensProcess = false
        /// The process said that it goes, or somebody that it went.
        var isClosed = false
        var hasWord = false
    }

    /// The words of one death stand close together.
    private static let reach: UInt64 = 16 << 10
    /// What a dying engine still logs by itself.
    private static let lastLogged = 30
    /// Lines without a stamp that may stand between.
    private static let lastRaw = 12

    let source: any ByteSource
    let supervisor: Supervisor
    let boundary: RunBoundary

    /// The deaths in order; what was survived stays as it is.
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
        // A shell's or the kernel's word may stand above the section that tells of the same process.
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

    /// Whether two reports of one format are parts of one account. A process dies once: what stands apart, or tells of
    /// something else, is the next process's.
    private func isOneAccount(_ first: Told, _ second: Told, _ between: Between) -> Bool {
        let (left, right) = (first.record, second.record)
        if first.isClosed || first.hasWord { return false }
        if TextReportFormats.printsInParts(left.detector) {
            // An engine prints its words and its stack apart.
            if left.frames.isEmpty || right.frames.isEmpty { return true }
            return !between.hasWords
        }
        return !between.hasWords && left.signature == right.signature
    }

    /// What stands between two reports.
    private struct Between {
        /// A line that is more than blank or a rule.
        var hasWords = false
    }

    /// What stands between two reports of one run; nil where they are too far apart, or another run begins. The word of
    /// a shell or a supervisor may come after a long shutdown.
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
