public import Catalog
import Glibc
public import Harvest
import Live
public import Model
public import SalvageConfiguration

/// The state of a store: totals, backlog, nearest deadline, sizes.
public struct StatusReport: Sendable {
    /// Totals and the nearest deadline.
    public let totals: StoreStatus
    /// What came and went lately.
    public let flow: LedgerFlow
    /// Sessions that wait in the spool because they could not be packed.
    public let backlog: PackBacklog
    /// The size of the catalog and its write-ahead log, in bytes; nil for a shared store, whose database may hold more.
    public let catalogBytes: UInt64?
    /// The harvesters of a shared store and what they share; nil for a store in a folder.
    public let fleet: FleetStatus?
    /// The number of followed logs; nil if they cannot be listed now.
    public let followed: Int?
    /// The free space on the store's file system, in bytes; nil if unknown.
    public let freeBytes: UInt64?
    /// Where the store is, without secrets.
    public let store: String
    /// When this was asked, in milliseconds since 1970.
    public let now: Int64
    /// The paths of rules that are absent in every session, if the asker looked for them (``Store/absentPaths(_:_:now:)``).
    public var absentPaths: [AbsentPath] = []
}

extension Store {
    /// The state of the store.
    ///
    /// - Parameter now: the current time, in milliseconds since 1970.
    /// - Throws: `CatalogError`.
    public func status(now: Int64) throws(CatalogError) -> StatusReport {
        let catalog = try catalog()
        return StatusReport(
            totals: try catalog.status(), flow: try catalog.flow(now: now), backlog: try PackBacklog(catalog),
            catalogBytes: isShared ? nil : ["", "-wal"].reduce(0) { $0 + Self.fileSize(catalog.path + $1) },
            fleet: isShared ? try catalog.fleetStatus() : nil,
            followed: (try? LiveStore.sessions(path))?.count, freeBytes: freeBytes, store: "\(address)",
            now: now)
    }

    /// How complete the collection of the selected sessions is.
    ///
    /// - Throws: `CatalogError`, or as ``resolved(_:)`` does.
    public func coverage(_ selection: Selection) throws -> Coverage {
        try catalog().coverage(try resolved(selection))
    }

    /// Calls `body` with each artifact that is not collected, and each session that was lost before its artifacts were
    /// known. `body` must not use this store.
    ///
    /// - Parameters:
    ///   - selection: the sessions.
    ///   - includesCollected: whether collected artifacts are passed too.
    /// - Throws: `CatalogError`, or what the closure throws.
    public func forEachGap(
        _ selection: Selection, includesCollected: Bool = false, _ body: (CoverageGap) throws -> Void
    ) throws {
        try catalog().forEachGap(try resolved(selection), collected: includesCollected, body)
    }

    /// The paths of rules that are absent in every session where they were requested.
    ///
    /// - Parameters:
    ///   - configuration: has the rules.
    ///   - selection: the sessions to look at.
    ///   - now: the current time, in milliseconds since 1970.
    /// - Throws: `CatalogError`, or as ``resolved(_:)`` does.
    public func absentPaths(
        _ configuration: Configuration, _ selection: Selection = Selection(), now: Int64
    ) throws -> [AbsentPath] {
        try AbsentPath.find(in: try catalog(), by: configuration, selection: try resolved(selection), now: now)
    }

    /// The free space on the store's file system for ordinary users, in bytes; nil if unknown.
    public var freeBytes: UInt64? { StoreFolder.freeBytes(path) }

    private static func fileSize(_ path: String) -> UInt64 {
        var info = stat()
        return stat(path, &info) == 0 ? UInt64(max(0, info.st_size)) : 0
    }
}
