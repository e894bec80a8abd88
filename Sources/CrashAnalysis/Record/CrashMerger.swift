public import Model

/// Merges the records of one crash from several members of a session: the dump, the engine's XML, the log, the shell.
public enum CrashMerger {
    /// How much a record says about its crash. The record with the highest rank leads the merged one.
    static func rank(_ record: CrashRecord) -> Int {
        let named = record.frames.contains { $0.function != nil && $0.trust != .scan }
        let isDump = CrashAnalyzer.dumps.contains(record.detector)
        let format = TextReportFormats.named(record.detector)
        let base =
            record.frames.isEmpty
            ? isDump ? 20 : format?.rankWithoutFrames ?? 15
            : isDump ? 60 : format?.rank ?? 50
        return base + (named ? 30 : 0)
    }

    /// True for a message of a shell, a supervisor or the kernel, which says only that a process died.
    static func isWord(_ record: CrashRecord) -> Bool { TextReportFormats.named(record.detector)?.isWord ?? false }

    /// Returns each crash of one session once. Survived errors are not merged. `sameProcess` says that all records
    /// describe one process, as those of one upload do.
    public static func merge(_ records: [CrashRecord], sameProcess: Bool = false) -> [CrashRecord] {
        var crashes: [Account] = []
        var rest: [CrashRecord] = []
        // Equal ranks keep their order: the sort must be stable.
        let ranked = records.enumerated().sorted { left, right in
            let ranks = (rank(left.element), rank(right.element))
            return ranks.0 == ranks.1 ? left.offset < right.offset : ranks.0 > ranks.1
        }.map(\.element)
        let ofMember = Dictionary(grouping: ranked.indices) { ranked[$0].member }
        for (index, record) in ranked.enumerated() {
            guard record.isCrash else {
                rest.append(record)
                continue
            }
            let same = crashes.indices.filter { place in
                sameProcess
                    || crashes[place].mayTell(of: record)
                        && !(ofMember[record.member] ?? []).contains {
                            $0 > index && crashes[place].prefers(ranked[$0], to: record)
                        }
            }
            if let best = same.min(by: { crashes[$0].distance(to: record) < crashes[$1].distance(to: record) }) {
                crashes[best].take(record)
            } else {
                crashes.append(Account(record))
            }
        }
        return crashes.map(\.record) + rest
    }

    /// A crash and the members that reported it.
    private struct Account {
        var record: CrashRecord
        private var members: Set<String>
        private var detectors: Set<String>

        init(_ record: CrashRecord) {
            self.record = record
            members = [record.member ?? ""]
            detectors = [record.detector]
        }

        /// A member reports each death once, so its second report is a second death. The exception is a microdump: its
        /// log may also report the death in words.
        func mayTell(of other: CrashRecord) -> Bool {
            let member = other.member ?? ""
            if members.contains(member), other.detector != TextReportFormat.microdump.name,
                !detectors.contains(TextReportFormat.microdump.name)
            {
                return false
            }
            return CrashMerger.isSame(record, other)
        }

        /// True if another report of the same member fits this crash better.
        func prefers(_ other: CrashRecord, to record: CrashRecord) -> Bool {
            other.isCrash && other.detector != TextReportFormat.microdump.name
                && distance(to: other) < distance(to: record) && mayTell(of: other)
        }

        /// Smaller for a better match.
        func distance(to other: CrashRecord) -> Int64 {
            if let pid = other.pid, record.pid == pid { return -2 }
            if !other.frames.isEmpty, other.stackHash == record.stackHash { return -1 }
            guard let left = record.time.flatMap(ReportClock.milliseconds),
                let right = other.time.flatMap(ReportClock.milliseconds)
            else { return .max }
            // A log and a dump may use different time zones, so whole quarters of an hour are ignored.
            let apart = (left > right ? left - right : right - left) % 900_000
            return min(apart, 900_000 - apart)
        }

        mutating func take(_ other: CrashRecord) {
            members.insert(other.member ?? "")
            detectors.insert(other.detector)
            CrashMerger.absorb(other, into: &record)
        }
    }

    private static func isSame(_ first: CrashRecord, _ second: CrashRecord) -> Bool {
        if let left = first.session, let right = second.session, left != right { return false }
        if let left = first.pid, let right = second.pid { return left == right }
        // Two dumps are two processes unless both name the same pid.
        let dumps = CrashAnalyzer.dumps
        if dumps.contains(first.detector), dumps.contains(second.detector) { return false }
        // An exception that ends an interpreter leaves no dump, so a dump beside it is another crash.
        if dumps.contains(first.detector) != dumps.contains(second.detector),
            leavesNoDump(first) || leavesNoDump(second)
        {
            return false
        }
        guard signalsAgree(first, second) else { return false }
        if let left = first.address, let right = second.address, left != right, !aborts(first), !aborts(second) {
            return false
        }
        return true
    }

    /// False if two reports name signals that cannot belong to one death. A handler or a runtime aborts after it prints
    /// its report, so the dump and the shell may name another signal than the report.
    static func signalsAgree(_ first: CrashRecord, _ second: CrashRecord) -> Bool {
        guard let left = first.signal, let right = second.signal, left != right else { return true }
        let handled = (aborts(first) && isHandlers(second)) || (aborts(second) && isHandlers(first))
        return handled
    }

    private static func leavesNoDump(_ record: CrashRecord) -> Bool {
        TextReportFormats.named(record.detector)?.leavesNoDump ?? false
    }

    private static func aborts(_ record: CrashRecord) -> Bool {
        ["SIGABRT", "SIGTRAP", "SIGILL"].contains(record.signal ?? "")
    }

    /// True for a report that the dying process printed itself.
    private static func isHandlers(_ record: CrashRecord) -> Bool {
        (TextReportFormats.named(record.detector)?.rank ?? 0) > 0
    }

    /// Returns a record read again from its dump, completed with what `earlier` knew from other members.
    static func renewed(_ fresh: CrashRecord, from earlier: CrashRecord) -> CrashRecord {
        var record = fresh
        // Known when the record was made, and part of some signatures.
        (record.session, record.image) = (earlier.session, earlier.image)
        (record.tag, record.location) = (earlier.tag, earlier.location)
        absorb(earlier, into: &record)
        record.cause = earlier.cause
        return record
    }

    /// Adds what another report of the same death knows and this one lacks.
    static func absorb(_ other: CrashRecord, into record: inout CrashRecord) {
        if record.cause == nil, record.detector != other.detector, CrashAnalyzer.dumps.contains(record.detector),
            SignatureAlgorithm.explains(other)
        {
            record.cause = other.ownWords
        }
        // A shell's message about a death is not the program's own.
        if rank(other) > 0 { record.message = record.message ?? other.message }
        record.exception = record.exception ?? other.exception
        record.signal = record.signal ?? other.signal
        record.address = record.address ?? other.address
        record.access = record.access ?? other.access
        record.pid = record.pid ?? other.pid
        record.executable = record.executable ?? other.executable
        record.commandLine = record.commandLine ?? other.commandLine
        record.threadName = record.threadName ?? other.threadName
        if record.timeSource != "dump", other.timeSource == "dump" {
            record.time = other.time
            record.timeSource = other.timeSource
        }
        if record.frames.isEmpty { record.frames = other.frames }
        if record.modules.isEmpty { record.modules = other.modules }
        if record.threads.isEmpty { record.threads = other.threads }
        for note in other.notes where !record.notes.contains(note) && !note.hasPrefix("weak evidence") {
            record.notes.append(note)
        }
        for member in [other.member].compactMap({ $0 }) + other.alsoIn
        where member != record.member && !record.alsoIn.contains(member) {
            record.alsoIn.append(member)
        }
        SignatureAlgorithm.sign(&record)
    }
}
