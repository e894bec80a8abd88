import BlockIndex
import Catalog
import CrashAnalysis
import Files
import Glibc
import Harvest
import Model
import Pack
import PackHome
import Terminal
import Text

/// One migration of a store to another.
///
/// Every step leaves the target usable and lacking at most what was not copied yet; a step that was done is found done and
/// skipped. A session's rows are put into the target after its pack can be read there, never before.
final class MigrationRun {
    private let source: Store
    private let target: Store
    private let from: Catalog
    private let to: Catalog
    private let packs: PackMigration
    private let progress: (StoreProgress) -> Void
    /// Whether both catalogs have rows for members.
    private let comparesMembers: Bool
    private let needsMembers: Bool
    private(set) var report = MigrationReport()
    private let filters: FilterMigration?

    /// The most sessions that are read and written at once.
    private static let batch = 64
    /// Passes beside a running harvest until the rest is left to the one under the lock.
    private static let mostPasses = 6
    /// A pass that copied at most this many sessions leaves little enough.
    private static let fewSessions = 16

    init(from source: Store, to target: Store, progress: @escaping (StoreProgress) -> Void) throws {
        self.source = source
        self.target = target
        self.progress = progress
        from = try source.catalog()
        to = try target.catalog()
        let members = (source: from.storesMembers, target: to.storesMembers)
        comparesMembers = members.source && members.target
        needsMembers = !members.source && members.target
        packs = PackMigration(
            source: source.home, target: target.home, folder: target.path + "/spool/.new")
        filters = try FilterMigration(from: source, to: target)
    }

    // MARK: The steps

    /// Counts what would be copied; writes nothing.
    func survey() throws -> MigrationReport {
        report.isDryRun = true
        _ = try pass { sessions, known in
            for session in sessions {
                report.copied += 1
                if session.pack != nil, known[session.id]?.packBytes != session.packBytes {
                    report.packs += 1
                    report.bytes &+= session.packBytes
                }
            }
        }
        return report
    }

    /// Copies everything once, beside whoever uses the source.
    func copy() throws -> MigrationReport {
        report.isCopy = true
        try SymbolMigration(source: source, target: target, progress: progress).copy(&report)
        _ = try pass(put)
        try RecordMigration(source: source, target: target).copy(&report)
        try indexPacks()
        return report
    }

    /// Copies everything beside a running harvest, then the rest while no harvest can run, and marks the source.
    func migrate() throws -> MigrationReport {
        try SymbolMigration(source: source, target: target, progress: progress).copy(&report)
        for _ in 0..<Self.mostPasses where try pass(put) > Self.fewSessions {}
        try RecordMigration(source: source, target: target).copy(&report)
        report.harvesters = try from.presentHarvesters()
        guard report.harvesters.isEmpty else { return report }
        let lock: StoreLock
        do throws(HarvestError) { lock = try StoreLock(store: source.path) } catch {
            guard error.code == .storeLocked else { throw error }
            report.holder = StoreLock.holder(of: source.path) ?? 0
            return report
        }
        defer { withExtendedLifetime(lock) {} }
        try finish()
        return report
    }

    private func finish() throws {
        // Before the last pass: what is collected by hand from now on would not be copied.
        var marker = MigrationMarker(target: target.address.description, isFinished: false)
        if !source.isShared { try marker.write(store: source.path) }
        report.gaps = []
        _ = try pass(put)
        try SymbolMigration(source: source, target: target, progress: progress).copy(&report)
        try RecordMigration(source: source, target: target).copy(&report)
        try LocalMigration(source: source.path, target: target.path).copy(&report)
        try indexPacks()
        guard report.gaps.isEmpty else {
            // The source goes on: it has what the target lacks.
            if !source.isShared { try MigrationMarker.remove(store: source.path) }
            return
        }
        // The target may be where the source once came from.
        if !target.isShared { try MigrationMarker.remove(store: target.path) }
        marker.isFinished = true
        if !source.isShared { try marker.write(store: source.path) }
        report.isFinished = true
    }

    /// Fills a folder's index of filters, without which a search opens every pack. A shared store gets them with each batch.
    private func indexPacks() throws {
        guard !target.isShared else { return }
        var packs: [String] = []
        try to.forEachSession { session in if let pack = session.pack { packs.append(pack) } }
        _ = try FilterLog.rebuild(store: target.path, home: target.home, packs: packs)
    }

    // MARK: Sessions

    /// Compares all sessions, a batch at a time, and hands those that differ to `body`, with the target's own rows of the
    /// batch. Returns the number of sessions that differed.
    private func pass(
        _ body: (_ sessions: [CopiedSession], _ known: ByteDictionary<CopiedSession>) throws -> Void
    ) throws -> Int {
        var key: Int64?
        var seen = 0
        var differing = 0
        while true {
            let sessions = try from.copiedSessions(after: key, limit: Self.batch)
            guard let last = sessions.last else { break }
            var known: ByteDictionary<CopiedSession> = [:]
            for session in try to.copiedSessions(sessions.map(\.id)) { known[session.id] = session }
            let new = sessions.filter { known[$0.id]?.isSame(as: $0, members: comparesMembers) != true }
            if !new.isEmpty { try body(new, known) }
            differing += new.count
            seen += sessions.count
            progress(.migrating(sessions: seen, packs: report.packs, bytes: report.bytes))
            key = last.key
        }
        filters?.finish()
        report.sessions = seen
        return differing
    }

    /// Copies the packs of sessions, then their rows.
    private func put(_ sessions: [CopiedSession], _ known: ByteDictionary<CopiedSession>) throws {
        var ready: [CopiedSession] = []
        var originals: ByteDictionary<PackMigration.Original> = [:]
        for var session in sessions {
            if let pack = session.pack {
                do throws(PackError) {
                    let copy = try copy(pack, of: session.id, known: known[session.id]?.pack)
                    session.pack = copy.path
                    originals[session.id] = PackMigration.Original(path: pack, bytes: copy.bytes)
                    if needsMembers, let place = session.pack {
                        try session.setMembers(from: try target.home.reader(for: place, tolerant: true))
                    }
                } catch {
                    // One that was replaced meanwhile is copied by the next pass.
                    if error.isAbsence, try isReplaced(session) { continue }
                    report.gaps.append(.init(error.description, session: session.id, path: pack))
                    continue
                }
            }
            ready.append(session)
        }
        do throws(CatalogError) {
            try to.put(ready)
            report.copied += ready.count
            filters?.publish(ready, known, originals)
        } catch {
            // What the target cannot store, such as an id with a NUL, must not keep the others out.
            guard ready.count > 1, error.code == .database else { throw error }
            for session in ready {
                do throws(CatalogError) {
                    try to.put([session])
                    report.copied += 1
                    filters?.publish([session], known, originals)
                } catch {
                    guard error.code == .database else { throw error }
                    report.gaps.append(.init(error.message, session: session.id))
                }
            }
        }
    }

    private func copy(
        _ pack: String, of session: String, known: String?
    ) throws(PackError) -> PackMigration.Copy {
        let copy = try packs.copy(pack, of: session, known: known)
        if !copy.wasThere {
            report.packs += 1
            report.bytes &+= copy.bytes
        } else if known?.hasSameBytes(as: copy.path) != true {
            report.reused += 1
        }
        return copy
    }

    /// Whether the catalog names another pack of the session by now, or none.
    private func isReplaced(_ session: CopiedSession) throws -> Bool {
        guard let now = try from.session(session.id)?.pack, let before = session.pack else { return true }
        return !now.hasSameBytes(as: before)
    }
}
