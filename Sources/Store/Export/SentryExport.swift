import Catalog
import Clocks
import CrashExport
import Dispatch
import Harvest
import Model
import SalvageConfiguration
import Synchronization
import Text

/// Queues the crashes of a harvest for the export. Looks into the catalog on a queue of its own, with a connection of its
/// own, so that neither a slow query nor a slow service delays a download.
final class SentryExport: Sendable {
    /// How often a failed look-up is repeated.
    private static let mostTries = 10

    private let exporter: CrashExporter
    private let store: Store
    private let current: CurrentConfiguration
    private let observer: HarvestObserver
    private let queue = DispatchQueue(label: "salvage.export.crashes")
    private let isEnding = Atomic(false)

    /// - Parameter observer: receives everything.
    init(
        store location: StoreAddress, current: CurrentConfiguration, environment: [String: String],
        observer: HarvestObserver
    ) throws(StoreError) {
        store = try Store(location, builds: current.value.builds.order)
        self.current = current
        self.observer = observer
        exporter = CrashExporter(
            store: store.path, current: current, environment: environment, version: salvageVersion,
            source: SentryCrashes(try Store(location), current)
        ) {
            observer.event(.exportTrouble($0))
        }
    }

    /// The observer for the harvest.
    var watching: HarvestObserver {
        HarvestObserver(
            progress: observer.progress, event: observer.event,
            committing: { [self] sessions in
                exporter.willCommit(sessions)
                observer.committing(sessions)
            },
            committed: { [self] session in
                observer.committed(session)
                queue.async { [self] in lookUp(session, 1) }
            })
    }

    /// The state of the service; nil while there is none.
    var report: CrashExportReport? { exporter.report }

    /// Begins to send, and looks up what an earlier process was recording when it ended.
    func start() {
        queue.async { [self] in
            exporter.start { [self] sessions in
                queue.async { [self] in for session in sessions { lookUp(session, 1) } }
            }
        }
    }

    /// Looks up what is left, and sends for at most `limit` milliseconds; the rest stays in the queue.
    func finish(within limit: Int64) async {
        isEnding.store(true, ordering: .relaxed)
        await withCheckedContinuation { continuation in queue.async { continuation.resume() } }
        await exporter.finish(within: limit)
    }

    // MARK: -

    /// Queues the crashes of a session.
    private func lookUp(_ session: String, _ attempt: Int) {
        guard exporter.isNeeded else { return }
        do {
            if exporter.queue(try crashes(of: session), of: session) { return }
        } catch {
            guard !Self.isAbsence(error) else {
                _ = exporter.queue([], of: session)
                return
            }
            // What is due stays in the queue; if this process gives up, the next one looks again.
            if attempt == 1 || attempt == Self.mostTries {
                observer.event(
                    .exportTrouble(
                        "cannot look up the crashes of session \(Escape.display(session)) for the export"
                            + (attempt == 1 ? ", trying again" : "; the next run tries again") + ": \(error)"))
            }
        }
        guard attempt < Self.mostTries, !isEnding.load(ordering: .relaxed) else { return }
        queue.asyncAfter(deadline: .now() + .seconds(min(60, 3 * attempt))) { [weak self] in
            self?.lookUp(session, attempt + 1)
        }
    }

    /// The crashes of a session that the configuration wants to be sent.
    private func crashes(of session: String) throws -> [(id: String, hasMinidump: Bool)] {
        guard let settings = current.value.export.sentry, let record = try store.catalog().session(session),
            record.crashes > 0, settings.wants(record.identity)
        else { return [] }
        let stored: [StoredCrash]
        switch settings.on {
        case .crash:
            stored = try store.catalog().crashes(named: session).filter {
                $0.session.hasSameBytes(as: session) && CrashRecord.isCrash(kind: $0.kind)
            }.map { StoredCrash($0) }
        case .new:
            stored = try store.novelty(ofCrashesIn: session, now: WallClock.now()).filter {
                $0.novelty == .new || $0.novelty == .returned
            }.map(\.crash)
        }
        return stored.map { (id: $0.row.crash, hasMinidump: $0.record.map(SentryCrashes.mayHaveMinidump) ?? false) }
    }

    private static func isAbsence(_ error: any Error) -> Bool {
        switch error {
        case let error as CatalogError: error.code == .unknownSession
        case let error as StoreError: error.kind == .notFound
        default: false
        }
    }
}
