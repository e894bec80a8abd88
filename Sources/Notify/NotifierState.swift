import Model
import SalvageConfiguration
import Text

/// What a ``Notifier`` guards: the outbox, its journal, and what could not be written yet.
struct NotifierState {
    /// An input that arrived while the outbox could not be read.
    enum Early {
        case event(Event, [String], Int64)
        case willCommit([String])
        case considered(String)
    }

    /// The most inputs that are kept while the outbox cannot be read.
    static let mostEarly = 10_000

    var outbox: Outbox
    /// Nil until the outbox was read.
    var journal: OutboxJournal?
    /// Actions whose records are not on the disk yet; none of them may be carried out.
    var held: [Outbox.Action] = []
    /// Whether a write failed: then the whole file is written again.
    var isBroken = false
    var early: [Early] = []
    /// Inputs that were dropped because too many arrived.
    var dropped = 0
    /// The version of the configuration that the outbox has.
    var version: Int?
    /// When the timer fires next (ms since 1970).
    var timer: Int64?
    var isStopped = false
    /// What was last reported, so that a lasting trouble is reported once.
    var lastTrouble: String?
    var tasks = ByteDictionary<Task<Void, Never>>()
    /// Receives the sessions that are due once the outbox was read.
    var resume: (@Sendable ([String]) -> Void)?

    init(seed: UInt64) { outbox = Outbox(seed: seed) }

    /// Writes what is held; returns what may be carried out now.
    mutating func write() throws(NotifyError) -> [Outbox.Action] {
        guard let journal else { return [] }
        let records = held.compactMap { action -> OutboxRecord? in
            if case .write(let record) = action { return record }
            return nil
        }
        if isBroken { forgetRecords() }
        if isBroken || journal.wantsRewrite {
            try journal.rewrite(outbox.snapshot)
            isBroken = false
        } else if !records.isEmpty {
            do throws(NotifyError) { try journal.append(records) } catch {
                isBroken = true
                forgetRecords()
                throw error
            }
        }
        defer { held = [] }
        return held.filter { action in
            if case .write = action { return false }
            return true
        }
    }

    /// Drops records that the next writing of the whole state includes.
    private mutating func forgetRecords() {
        held.removeAll { action in
            if case .write = action { return true }
            return false
        }
    }

    /// Reads the outbox and applies what arrived meanwhile; returns a complaint about damage, if there is any.
    mutating func load(_ store: String) throws(NotifyError) -> String? {
        let opened = try OutboxJournal(store)
        let content = try opened.load()
        for record in content.records { outbox.replay(record) }
        journal = opened
        for input in early {
            switch input {
            case .event(let event, let channels, let time):
                held += outbox.queue(event, for: channels, now: time)
            case .willCommit(let sessions): for session in sessions { held += outbox.willCommit(session) }
            case .considered(let session): held += outbox.considered(session)
            }
        }
        early = []
        var complaints: [String] = []
        if content.isTorn { complaints.append("its last line was cut off by an interruption and is ignored") }
        if !content.unreadable.isEmpty {
            // Without them from now on, so that they are reported once.
            isBroken = true
            let lines = content.unreadable.prefix(5).map { "\($0)" }.joined(separator: ", ")
            complaints.append(
                "\(counted(content.unreadable.count, "line")) cannot be read (\(lines)); a copy is kept as "
                    + OutboxJournal.path(store) + ".damaged")
        }
        return complaints.isEmpty ? nil : "the outbox of notifications: " + complaints.joined(separator: "; ")
    }

    /// Keeps an input until the outbox can be read.
    mutating func keep(_ input: Early) {
        guard early.count < Self.mostEarly else {
            dropped += 1
            return
        }
        early.append(input)
    }
}
