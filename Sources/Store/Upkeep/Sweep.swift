package import Catalog
import Model
import Pack
package import PackHome
import Text

/// The result of a sweep.
public struct SweepReport: Sendable, Equatable {
    /// A pack or object that was left alone, and why.
    public struct Left: Sendable, Equatable {
        /// Its path or key.
        public var path: String
        /// Why it was left.
        public var reason: String
    }

    /// Packs without a row that were entered into the catalog.
    public var adopted: [String] = []
    /// Packs whose content the session's pack has; they are deleted in a day.
    public var discarded: [String] = []
    /// How many objects were deleted, because their time had come.
    public var deleted = 0
    /// Their size in bytes, as far as it was known.
    public var deletedBytes: UInt64 = 0
    /// What is unknown, damaged, or could not be read or deleted now. It is looked at again by the next sweep.
    public var left: [Left] = []
    /// Whether the whole bucket was looked at; false if the sweep was stopped or a part could not be listed.
    public var isComplete = true

    /// Creates an empty report.
    public init() {}

    /// One sentence for a log; nil when there was nothing to do.
    public var words: String? {
        guard !adopted.isEmpty || !left.isEmpty || deleted > 0 || !discarded.isEmpty else { return nil }
        var parts = [
            counted(adopted.count, "pack without a row was", "packs without a row were") + " adopted",
            counted(discarded.count, "superseded pack") + " will be deleted in a day",
            counted(deleted, "object") + " deleted",
        ]
        if let first = left.first {
            parts.append("\(counted(left.count, "object")) left alone, such as \(first.path): \(first.reason)")
        }
        return parts.joined(separator: ", ")
    }
}

/// Compares the bucket of a shared store with its catalog: adopts packs that a crash or a failover left without a row, gives
/// up those that a later one contains, and deletes garbage whose time has come.
package struct Sweep {
    /// How old a pack must be, in milliseconds: a younger one may be about to be committed.
    package static let minimumAge: Int64 = 3_600_000
    /// The number of packs that are compared with the catalog at once, and of objects that are deleted at once.
    private static let page = 1000

    private let catalog: Catalog
    private let home: any PackHome
    private let delete: ([String]) -> [(path: String, reason: String)]
    private let renew: (inout PackContents) -> Void
    private let holds: () -> Bool

    /// Makes a sweep.
    ///
    /// - Parameters:
    ///   - catalog: the shared catalog, open for writing.
    ///   - home: the bucket's packs.
    ///   - delete: deletes up to 1,000 objects, packs and others; returns those that were not deleted. A missing object
    ///     counts as deleted.
    ///   - renew: renews crash records by the store's symbols and rules, as a reindex does.
    ///   - holds: whether to go on.
    package init(
        _ catalog: Catalog, _ home: any PackHome,
        delete: @escaping ([String]) -> [(path: String, reason: String)],
        renew: @escaping (inout PackContents) -> Void = { _ in }, holds: @escaping () -> Bool = { true }
    ) {
        self.catalog = catalog
        self.home = home
        self.delete = delete
        self.renew = renew
        self.holds = holds
    }

    /// Sweeps the whole bucket.
    ///
    /// - Parameter now: the current time, in milliseconds since 1970.
    /// - Throws: `CatalogError`. What a bucket's error concerns is left alone and reported.
    package func carryOut(now: Int64) throws -> SweepReport {
        var report = SweepReport()
        let listing = home.list()
        for trouble in listing.troubles {
            report.isComplete = false
            report.left.append(.init(path: trouble.path, reason: "it cannot be listed now: \(trouble.message)"))
        }
        // Times of the bucket and of this machine may differ by minutes, not by an hour.
        let old = listing.packs.filter { $0.modified / 1_000_000 <= now &- Self.minimumAge && !$0.isBehindLink }
        for start in stride(from: 0, to: old.count, by: Self.page) {
            let page = old[start..<min(start + Self.page, old.count)]
            let unknown = ByteSet(try catalog.unknownPacks(page.map(\.path)))
            for pack in page where unknown.contains(pack.path) {
                guard holds() else { return stopped(report) }
                try examine(pack, &report)
            }
        }
        try deleteGarbage(&report)
        return report
    }

    private func stopped(_ report: SweepReport) -> SweepReport {
        var report = report
        report.isComplete = false
        return report
    }

    private func examine(_ pack: StoredPack, _ report: inout SweepReport) throws {
        var contents: PackContents
        do throws(PackError) {
            contents = try PackContents(home.reader(for: pack.path), path: pack.path)
        } catch {
            // Removed since it was listed.
            if !error.isAbsence { report.left.append(.init(path: pack.path, reason: error.message)) }
            return
        }
        let session = contents.facts.session
        let orphan = Orphan(
            path: pack.path, modified: pack.modified, session: session,
            inventory: PackInventory(artifacts: contents.artifacts, members: contents.members))
        let record = try catalog.session(session)
        let rows = try catalog.artifacts(session).map(\.entry)
        var held = PackInventory()
        do throws(PackError) {
            if let current = record?.pack { held = try inventory(of: current) }
        } catch {
            let reason = "the pack of its session cannot be compared with it: \(error.message)"
            return report.left.append(.init(path: pack.path, reason: reason))
        }
        switch SweepPlan.verdict(orphan, record, rows, in: held, isClaimed: try catalog.isClaimed(session)) {
        case .adopt(let replaced):
            renew(&contents)
            if try catalog.adopt(contents, replaces: replaced) {
                report.adopted.append(pack.path)
            } else {
                report.left.append(.init(path: pack.path, reason: "its session changed meanwhile"))
            }
        case .discard:
            try catalog.addGarbage([Garbage(key: pack.path, session: session, bytes: pack.size)])
            report.discarded.append(pack.path)
        case .leave(let reason): report.left.append(.init(path: pack.path, reason: reason))
        }
    }

    private func inventory(of pack: String) throws(PackError) -> PackInventory {
        let reader = try home.reader(for: pack)
        return PackInventory(artifacts: try reader.artifacts(), members: reader.members)
    }

    private func deleteGarbage(_ report: inout SweepReport) throws {
        while holds() {
            let due = try catalog.takeGarbage(Self.page)
            guard !due.isEmpty else { return }
            let failed = ByteDictionary(
                delete(due.map(\.key)).map { ($0.path, $0.reason) }, uniquingKeysWith: { $1 })
            let gone = due.filter { failed[$0.key] == nil }
            try catalog.forgetGarbage(gone.map(\.key))
            report.deleted += gone.count
            report.deletedBytes &+= gone.reduce(0) { $0 &+ $1.bytes }
            for (key, reason) in failed {
                report.left.append(.init(path: key, reason: "it could not be deleted, trying again later: \(reason)"))
            }
        }
        report.isComplete = false
    }
}
