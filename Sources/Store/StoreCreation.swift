import Catalog

extension Store {
    /// Opens a store for writing; creates its folder, accessible to its owner only, if it is missing.
    ///
    /// - Parameters:
    ///   - location: the folder, as in ``init(_:readOnly:builds:)``.
    ///   - builds: the configured order of builds, evaluated at each use.
    /// - Throws: ``StoreError`` with `unsupportedStore` or `storeFailed`; `CatalogError` with `restoring` while a
    ///   restore into the folder is unfinished.
    public convenience init(
        creating location: String, builds: @autoclosure @escaping @Sendable () throws -> [String] = []
    ) throws {
        try self.init(location, readOnly: false, builds: try builds())
        try StoreFolder.make(path)
        // Before anything is written here, even the lock.
        try Catalog.requireNoRestore(store: path)
    }
}
