import Catalog
import Clocks
import Files
import Glibc
import Model
import Text

/// Copies what a store keeps about all of its sessions: decisions, pins, earlier signatures, and what is remembered of
/// pruned crashes.
struct RecordMigration {
    let source: Store
    let target: Store

    /// The most bytes of a journal.
    private static let largest = 1 << 29
    private static let journal = "journal/decisions.jsonl"
    /// How often a line is added again because another was added meanwhile.
    private static let mostTries = 100

    /// Copies everything that the target lacks. May run beside writers of the source; what they add is copied next time.
    func copy(_ report: inout MigrationReport) throws {
        let (from, to) = (try source.catalog(), try target.catalog())
        let known = Set(try to.aliases())
        let missing = try from.aliases().filter { !known.contains($0) }
        if !missing.isEmpty { try to.add(aliases: missing) }
        try to.add(try from.rememberedCrashes())
        try AliasFile.save(to)
        try RememberedFile.save(to)
        report.decisions += try copyDecisions(from, to)
        report.pins += try copyPins()
    }

    // MARK: Decisions

    /// Adds the lines of the journal that the target lacks, with their bytes: a line that this version cannot read is kept
    /// for one that can.
    private func copyDecisions(_ from: Catalog, _ to: Catalog) throws -> Int {
        let lines = try Self.lines(of: from)
        var known: [[UInt8]: Int] = [:]
        for line in try Self.lines(of: to) { known[line, default: 0] += 1 }
        var added = 0
        for line in lines {
            if let count = known[line], count > 0 {
                known[line] = count - 1
                continue
            }
            try Self.add(line, to: to)
            added += 1
        }
        return added
    }

    private static func lines(of catalog: Catalog) throws -> [[UInt8]] {
        if catalog.isShared {
            return try catalog.lines(of: .decisions, largest: largest).map(\.bytes)
        }
        let path = catalog.store + "/" + journal
        do throws(FileFailure) {
            let bytes = try OpenFile(path, O_RDONLY | O_NONBLOCK).rest(limit: largest)
            return bytes.split(separator: 0x0A).map { Array($0) }
        } catch {
            if error.isAbsence { return [] }
            throw StoreError(
                .unreadableNow, "the journal of decisions cannot be read now: \(error.reason)", path: path,
                hint: "check the disk and who may read the file", kind: .tryAgain)
        }
    }

    private static func add(_ line: [UInt8], to catalog: Catalog) throws {
        if catalog.isShared {
            for _ in 0..<mostTries {
                let last = try catalog.lines(of: .decisions, largest: largest).last?.number ?? 0
                if try catalog.append(line, to: .decisions, after: last, at: WallClock.now()) { return }
            }
            throw StoreError(
                .decisionFailed, "a decision was not copied: others were made all the time",
                hint: "run salvage migrate again", kind: .tryAgain)
        }
        let store = catalog.store
        do throws(FileFailure) {
            try Folders.make(store + "/journal", below: store) { (_) throws(FileFailure) in try Folders.sync(store) }
            let file = try OpenFile(store + "/" + journal, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY)
            try file.lock(.exclusive)
            let size = try file.size
            let end = size == 0 ? [0x0A] : try file.read(at: size - 1, count: 1)
            // A line that was cut off stays as it is, and a new one begins.
            try file.append((end == [0x0A] ? [] : [0x0A]) + line + [0x0A], at: size)
            try file.syncAll()
            try Folders.sync(store + "/journal")
        } catch {
            throw StoreError(.decisionFailed, "a decision cannot be copied: \(error.reason)", path: error.path)
        }
    }

    // MARK: Pins

    /// Pins what the source pins, and unpins what it does not. Pins of sessions that only the target has stay.
    private func copyPins() throws -> Int {
        var wanted: ByteSet = []
        try source.forEachPinnedSession { wanted.insert($0.session) }
        var present: ByteSet = []
        try target.forEachPinnedSession { present.insert($0.session) }
        let new = wanted.filter { !present.contains($0) }
        var old: [String] = []
        for pin in present where !wanted.contains(pin) {
            if try source.catalog().session(pin) != nil { old.append(pin) }
        }
        if !new.isEmpty { try target.setPinned(Array(new), true) { _ in } }
        if !old.isEmpty { try target.setPinned(old, false) { _ in } }
        return new.count + old.count
    }
}
