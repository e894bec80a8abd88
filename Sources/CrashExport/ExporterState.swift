import Files
import Text

/// What a ``CrashExporter`` guards: the queue, its journal, and what could not be written yet.
struct ExporterState {
    var queue: ExportQueue
    /// Nil until the queue's file was read.
    var journal: LineJournal?
    /// Actions that are not on the disk yet; none that follows an unwritten one may be carried out.
    var held: [ExportQueue.Action] = []
    /// Whether a write of the journal failed: then the whole file is written again.
    var isBroken = false
    /// The version of the configuration that the queue has.
    var version: Int?
    /// When the timer fires next (ms since 1970).
    var timer: Int64?
    var isStopped = false
    /// What was last reported, so that a lasting trouble is reported once.
    var lastTrouble: String?
    var unreadableLines = 0
    var task: Task<Void, Never>?
    /// Sessions that an earlier process was recording when it ended, until they are passed on.
    var inherited: [String] = []
    /// Receives them once the queue was read.
    var resume: (@Sendable ([String]) -> Void)?
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        queue = ExportQueue(seed: seed)
    }

    /// Reads the queue's file and adds what arrived meanwhile; returns a complaint about damage, if there is any.
    mutating func load(_ store: String, now: Int64) throws(ExportError) -> String? {
        let path = ExportJournal.path(store)
        var restored = ExportQueue(seed: seed)
        var complaints: [String] = []
        do throws(FileFailure) {
            let opened = try LineJournal(path, rewriteFrom: ExportJournal.rewriteFrom)
            let bytes = try opened.load(limit: ExportJournal.largest)
            let (unreadable, length) = ExportJournal.replay(bytes, into: &restored)
            if unreadable > 0 {
                try Replacement.write(bytes, to: path + ".damaged")
                complaints.append("\(counted(unreadable, "line")) cannot be read; a copy is kept as \(path).damaged")
                // Without them from now on, so that they are reported once.
                isBroken = true
            }
            if length < bytes.count { complaints.append("its last line was cut off by an interruption and is ignored") }
            try opened.begin(at: length)
            journal = opened
            unreadableLines = unreadable
        } catch {
            throw ExportError(error, path)
        }
        inherited = Array(restored.due)
        restored.perHour = queue.perHour
        held = []
        for item in queue.waiting { held += restored.queue(item, now: now) }
        for session in queue.due { held += restored.willCommit(session) }
        queue = restored
        return complaints.isEmpty ? nil : "the queue of the crash export: " + complaints.joined(separator: "; ")
    }

    /// Writes what is held, the ledger first; returns what may be carried out now.
    mutating func write(_ ledger: any ExportLedger) throws(ExportError) -> [ExportQueue.Action] {
        guard let journal else { return [] }
        // Entries that were written must not be written once more if a later write fails.
        while let index = held.firstIndex(where: { $0.entry != nil }) {
            if let entry = held[index].entry { try ledger.append(entry) }
            held.remove(at: index)
        }
        let records = held.compactMap(\.record)
        do throws(FileFailure) {
            if isBroken || journal.wantsRewrite {
                try journal.rewrite(queue.snapshot.map(\.line))
                isBroken = false
            } else if !records.isEmpty {
                try journal.append(records.map(\.line))
            }
        } catch {
            // The next writing of the whole state includes the records.
            isBroken = true
            held.removeAll { $0.record != nil }
            throw ExportError(error, journal.path)
        }
        defer { held = [] }
        return held.filter { $0.record == nil }
    }
}

extension ExportQueue.Action {
    fileprivate var entry: ExportEntry? {
        if case .enter(let entry) = self { return entry }
        return nil
    }

    fileprivate var record: ExportRecord? {
        if case .write(let record) = self { return record }
        return nil
    }
}
