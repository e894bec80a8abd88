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
        return result
    }

    private func isSame(_ first: Told, _ second: Told) -> Bool {
        guard second.first <= first.end &+ Self.reach else { return false }
        if second.continues { return true }
        if second.opensProcess, first.record.detector == second.record.detector { return false }
        if let left = first.record.pid, let right = second.record.pid, left != right { return false }
        guard CrashMerger.signalsAgree(first.record, second.record) else { return false }
        if let left = first.record.address, let right = second.record.address, left != right,
            first.record.detector == second.record.detector
        {
            return false
        }
        return staysInRun(from: first.end, to: second.first)
    }

    /// True when the lines between two reports are few, and none of them starts another run.
    private func staysInRun(from start: UInt64, to end: UInt64) -> Bool {
        guard end > start else { return true }
        guard
            let window = TextWindow(
                source, from: start, place: start, after: Int(end - start), supervisor: supervisor)
        else { return false }
        var logged = 0
        var raw = 0
        for index in 0..<window.count where window.offset(index) < end {
            let line = window.text(index)
            if line.trimmed.isEmpty { continue }
            let isSupervisors = window.isSupervisors(index)
            if boundary.isBoundary(line, at: window.offset(index), isSupervisors: isSupervisors) { return false }
            if isSupervisors { continue }
            if LineHead(line).isLogged { logged += 1 } else { raw += 1 }
            if logged > Self.lastLogged || raw > Self.lastRaw { return false }
        }
        return true
    }
}
