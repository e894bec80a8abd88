import Catalog

extension Store {
    /// Opens a store for writing; creates its folder, accessible to its owner only, if it is missing.
    ///
    /// - Parameter location: the folder, as in ``init(_:readOnly:)``.
    /// - Throws: ``StoreError`` with `unsupportedStore` or `storeFailed`; `CatalogError` with `restoring` while a
    ///   restore into the folder is unfinished.
    public convenience init(creating location: String) throws {
        try self.init(location, readOnly: false)
        try StoreFolder.make(path)
        // Before anything is written here, even the lock.
        try Catalog.requireNoRestore(store: path)
    }
}
