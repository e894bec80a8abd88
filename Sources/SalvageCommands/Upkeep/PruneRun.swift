import Catalog
import Files
import Glibc
import Ingest
import JSON
import LogSearch
import Model
import Pack
import Terminal
import Text

/// Carries out retention plans: removes the catalog row first, then the filters, then the file, so that no row is ever
/// without its pack. An interruption leaves a pack without a row, which the next prune removes.
struct PruneRun {
    let catalog: Catalog
    let pins: Pins
    let options: GlobalOptions
    let dryRun: Bool
    let now: Int64

    /// The number of sessions that are locked and pruned in one transaction.
    private static let batch = 64

    private struct Tally {
        var sessions = 0
        var bytes: UInt64 = 0
        var busy = 0
        var pinned = 0
        var examples = 0
        var excess: UInt64 = 0
        var forgotten = 0
    }

    /// - Parameters:
    ///   - plans: sessions, and the rules for their packs.
    ///   - history: how long sessions without a pack are remembered, in milliseconds.
    ///   - selected: the sessions that may be forgotten; nil for all.
    func carryOut(
        _ plans: [(sessions: [SessionRecord], rules: RetentionRules)], history: Int64, of selected: ByteSet?
    ) throws {
        let output = Output(options)
        var tally = Tally()
        var done: ByteSet = []
        let signatures = try catalog.signaturesBySession()
        if !dryRun { try removeLeftovers(&tally) }
        for (sessions, rules) in plans {
            let records = ByteDictionary(
                sessions.filter { $0.pack != nil && $0.state.isFinal && !done.contains($0.session) }.map {
                    ($0.session, $0)
                }, uniquingKeysWith: { first, _ in first })
            let plan = RetentionPlan(
                records.values.map { session in
                    RetentionCandidate(
                        session: session.session, at: session.at, packBytes: session.packBytes,
                        signatures: signatures[session.session] ?? [], isPinned: pins.holds(session.session))
                }, rules: rules, now: now)
            tally.pinned += plan.pinned
            tally.examples += plan.examples
            tally.excess += plan.excess
            for removal in plan.removals { done.insert(removal.session) }
            try carryOut(plan, records, output, &tally)
        }
        try forget(before: now &- history, selected, output, &tally)
        try finish(tally, output)
    }

    /// Removes sessions without a pack from the ledger.
    private func forget(before time: Int64, _ selected: ByteSet?, _ output: Output, _ tally: inout Tally) throws {
        let old = try catalog.historyBefore(time).filter { row in
            guard selected?.contains(row.session) ?? true else { return false }
            guard pins.holds(row.session) else { return true }
            tally.pinned += 1
            return false
        }
        for start in stride(from: 0, to: old.count, by: 512) {
            let batch = old[start..<min(start + 512, old.count)]
            let gone = dryRun ? nil : ByteSet(try catalog.forgetHistory(batch.map(\.session), before: time))
            for row in batch where gone?.contains(row.session) ?? true {
                tally.forgotten += 1
                write(forgotten: row.session, at: row.at, output)
            }
        }
    }

    private func carryOut(
        _ plan: RetentionPlan, _ records: ByteDictionary<SessionRecord>, _ output: Output, _ tally: inout Tally
    ) throws {
        let progress = Progress(quiet: options.quiet || dryRun)
        for start in stride(from: 0, to: plan.removals.count, by: Self.batch) {
            let slice = plan.removals[start..<min(start + Self.batch, plan.removals.count)]
            let removed = dryRun ? ByteSet(slice.map(\.session)) : try remove(Array(slice), records)
            for removal in slice {
                guard removed.contains(removal.session), let record = records[removal.session] else {
                    tally.busy += 1
                    continue
                }
                tally.sessions += 1
                tally.bytes &+= removal.bytes
                write(removal, record, output)
            }
            progress.update("pruned \(counted(tally.sessions, "session")), \(SizeText.binary(tally.bytes))")
        }
        progress.finish()
    }

    /// Removes the packs of one batch; returns the sessions whose packs were removed.
    private func remove(
        _ removals: [RetentionPlan.Removal], _ records: ByteDictionary<SessionRecord>
    ) throws -> ByteSet {
        var locks: [SessionLock] = []
        defer { for lock in locks { lock.release() } }
        var wanted: [(session: String, pack: String, reason: String)] = []
        for removal in removals {
            guard let record = records[removal.session], let pack = record.pack,
                let lock = try SessionLock.ifFree(removal.session, store: catalog.store)
            else { continue }
            locks.append(lock)
            switch StorePacks.presence(of: pack, store: catalog.store) {
            case .absent: break
            // Another size is another generation, published but not yet in the catalog.
            case .present(let entry): guard entry.size == record.packBytes else { continue }
            case .unknown: continue
            }
            wanted.append((removal.session, pack, removal.reason))
        }
        let forgotten = ByteSet(try catalog.prune(wanted, now: now))
        for (_, pack, _) in wanted where forgotten.contains(pack) { try unlinkPack(pack) }
        return ByteSet(wanted.filter { forgotten.contains($0.pack) }.map(\.session))
    }

    private func unlinkPack(_ pack: String) throws {
        // A filter row that stays costs each search one attempt to open a missing file, nothing else.
        try? FilterLog.remove(store: catalog.store, pack: pack)
        do throws(PackError) {
            if let (folder, name) = try StorePacks.place(of: pack, store: catalog.store) {
                _ = try PackError.wrap(try folder.remove(name))
            }
        } catch {
            throw Failure(
                "prune_failed", "a pack cannot be removed: \(error.message)", path: pack,
                hint: "the catalog no longer lists it; the next prune tries again")
        }
        // Remove the folders of a day, a month and a year with their last pack. A link in place of one stays.
        var parts = pack.split(separator: "/").dropLast()
        for level in 0..<3 {
            guard let name = parts.popLast(), !parts.isEmpty,
                let parent = try? OpenFolder(path: catalog.store + "/" + parts.joined(separator: "/")),
                (try? parent.removeFolder(String(name))) == true
            else { return }
            if level == 0 { try? FilterLog.removeDay(store: catalog.store, of: pack) }
        }
    }

    private func removeLeftovers(_ tally: inout Tally) throws {
        var unknown: [String] = []
        for pack in try catalog.unreferencedPacks() {
            // Just published, and about to be entered in the catalog.
            if NewPacks.isNew(pack.file, session: pack.session, store: catalog.store) { continue }
            guard pack.isPruned, pack.file.isDirect, let session = pack.session else {
                if try NewPacks.isStillUnknown(pack, catalog) { unknown.append(pack.file.path) }
                continue
            }
            guard let lock = try SessionLock.ifFree(session, store: catalog.store) else { continue }
            defer { lock.release() }
            guard try NewPacks.isStillUnknown(pack, catalog) else { continue }
            try unlinkPack(pack.file.path)
        }
        guard !unknown.isEmpty, !options.quiet else { return }
        Failure(
            "unreferenced_packs",
            "\(counted(unknown.count, "pack is", "packs are")) not in the catalog",
            path: unknown.first, hint: "prune keeps them; salvage verify says what to do with each"
        ).report(json: options.json, style: options.errorStyle)
    }

    private func write(_ removal: RetentionPlan.Removal, _ record: SessionRecord, _ output: Output) {
        if options.json {
            var line = JSONLine()
            line.add("session", removal.session)
            line.add("pack", record.pack)
            line.add("bytes", removal.bytes)
            line.add("reason", removal.reason)
            line.add("dry_run", dryRun)
            output.line(line)
        } else if dryRun || options.verbose {
            let tag = record.tag.map { " " + Escape.display($0) } ?? ""
            output.text(
                "\(dryRun ? "would remove" : "removed") \(Escape.display(removal.session))\(tag), ended "
                    + "\(TimeText.table(record.at)) UTC, \(SizeText.binary(removal.bytes)): \(removal.reason)")
        }
    }

    private func write(forgotten session: String, at time: Int64, _ output: Output) {
        if options.json {
            var line = JSONLine()
            line.add("session", session)
            line.add("reason", "history")
            line.add("forgotten", !dryRun)
            line.add("dry_run", dryRun)
            output.line(line)
        } else if dryRun || options.verbose {
            output.text(
                "\(dryRun ? "would delete" : "deleted") the ledger of \(Escape.display(session)), ended "
                    + "\(TimeText.table(time)) UTC")
        }
    }

    private func finish(_ tally: Tally, _ output: Output) throws {
        if options.json || options.quiet { return try output.finish() }
        var parts = [
            "\(dryRun ? "would remove" : "removed") \(counted(tally.sessions, "pack")), "
                + SizeText.binary(tally.bytes)
        ]
        if tally.pinned > 0 { parts.append("kept \(tally.pinned) pinned") }
        if tally.examples > 0 {
            parts.append(
                "kept \(counted(tally.examples, "as an example of its signature", "as examples of their signatures"))")
        }
        if tally.busy > 0 { parts.append("skipped \(tally.busy) in use") }
        if tally.forgotten > 0 {
            parts.append("\(dryRun ? "would delete" : "deleted") the ledger of \(counted(tally.forgotten, "session"))")
        }
        if tally.excess > 0 { parts.append("\(SizeText.binary(tally.excess)) over the limit must be kept") }
        output.text(parts.joined(separator: "; "))
        try output.finish()
    }
}
