import Files
public import JSON
import Model
import Text

/// The state of a service that receives crashes, for `status` and metrics.
public struct CrashExportReport: Sendable, Equatable {
    /// Crashes that wait.
    public var waiting = 0
    /// When the oldest of them was queued (ms since 1970).
    public var oldest: Int64?
    /// Crashes that the service took.
    public var sent = 0
    /// Crashes that will not be sent.
    public var skipped = 0
    /// Tries that failed.
    public var failures = 0
    /// Why nothing is sent until people change something; nil if something is.
    public var paused: String?
    /// Until when the service takes nothing (ms since 1970).
    public var limitedUntil: Int64?
    /// When a crash was last sent (ms since 1970).
    public var lastSent: Int64?
    /// Why the last try failed; nil after a success.
    public var lastError: String?
    /// When that was (ms since 1970).
    public var lastErrorTime: Int64?
    /// Lines of the queue's file that cannot be read.
    public var unreadableLines = 0

    /// The service's name.
    public var service: String { ExportEntry.service }

    /// Nothing waits and nothing was sent.
    public init() {}

    init(_ queue: ExportQueue, now: Int64) {
        waiting = queue.waiting.count
        oldest = queue.waiting.map(\.since).min()
        sent = queue.totals.sent
        skipped = queue.totals.skipped
        failures = queue.totals.failures
        paused = queue.service.paused
        limitedUntil = queue.service.limit(.error, now: now)
        lastSent = queue.totals.lastSent
        lastError = queue.totals.lastError
        lastErrorTime = queue.totals.lastErrorTime
    }

    /// Reads the queue of a store without changing it.
    ///
    /// - Parameters:
    ///   - store: the store's folder.
    ///   - now: milliseconds since 1970.
    /// - Returns: nil if nothing was ever exported from this folder.
    /// - Throws: ``ExportError`` with `exportUnusable` if the queue exists and cannot be read.
    public static func read(store: String, now: Int64) throws(ExportError) -> CrashExportReport? {
        guard let (queue, unreadable) = try ExportJournal.read(store) else { return nil }
        var report = CrashExportReport(queue, now: now)
        report.unreadableLines = unreadable
        return report
    }

    /// Its JSON object.
    public static let shape = JSONShape<CrashExportReport>(
        "ExportService", "A service outside that receives crashes, and what waits for it.",
        [
            .text("service", "its name: `sentry`") { $0.service },
            .integer("waiting", "crashes that wait") { $0.waiting },
            .time("oldest", "when the oldest of them was queued") { $0.oldest },
            .integer("sent", "crashes that the service took") { $0.sent },
            .integer("skipped", "crashes that will not be sent") { $0.skipped },
            .integer("failures", "tries that failed") { $0.failures },
            .optionalText("paused", "why nothing is sent until someone changes something") { $0.paused },
            .time("limited_until", "until when the service takes nothing") { $0.limitedUntil },
            .time("last_sent", "when a crash was last sent") { $0.lastSent },
            .optionalText("last_error", "why the last try failed; absent after a success") { $0.lastError },
            .time("last_error_time", "when that was") { $0.lastErrorTime },
        ])
}

extension ExportEntry {
    /// What happened to the crashes of a session: the ledger's entries, then those that wait. Reads without changing
    /// anything.
    ///
    /// - Parameters:
    ///   - session: the session's full id.
    ///   - store: the store's folder.
    ///   - ledger: where the outcomes are kept; by default in the store's folder.
    /// - Throws: ``ExportError`` with `exportUnusable` if a file exists and cannot be read.
    public static func entries(
        of session: String, store: String, ledger: (any ExportLedger)? = nil
    ) throws(ExportError) -> [ExportEntry] {
        let done = try (ledger ?? FolderExportLedger(store: store)).entries(of: session)
        guard let (queue, _) = try ExportJournal.read(store) else { return done }
        let known = ByteSet(done.map(\.crash))
        return done + queue.entries(of: session).filter { !known.contains($0.crash) }
    }
}
