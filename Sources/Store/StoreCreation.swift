import Catalog
public import Model

extension Store {
    /// Opens a store for writing; creates its folder, accessible to its owner only, if it is missing. For a shared store that
    /// is this machine's folder; its catalog is created by the first call of ``catalog()``.
    ///
    /// - Parameters:
    ///   - address: where the store is, as in ``init(_:readOnly:builds:)``.
    ///   - builds: the configured order of builds, evaluated at each use.
    /// - Throws: ``StoreError`` with `storeFailed` or `cacheRefused`, or with `migrated` if the store was moved to another
    ///   place; `CatalogError` with `restoring` while a restore into the folder is unfinished.
    public convenience init(
        creating address: StoreAddress, builds: @autoclosure @escaping @Sendable () throws -> [String] = []
    ) throws {
        try self.init(address, readOnly: false, builds: try builds())
        if isShared {
            try LocalFolder.make(path)
        } else {
            try StoreFolder.make(path)
            // Before anything is written here, even the lock.
            try Catalog.requireNoRestore(store: path)
            try MigrationMarker.requireNone(store: path)
        }
    }

    /// Opens a store for writing at a location: the path of a folder, or `postgres://…`.
    ///
    /// - Throws: as above, and ``StoreError`` with `unsupportedStore`.
    public convenience init(
        creating location: String, builds: @autoclosure @escaping @Sendable () throws -> [String] = []
    ) throws {
        try self.init(creating: Self.address(of: location), builds: try builds())
    }
}
