import Catalog
import Model
import PackHome
import S3
import Synchronization

/// The catalog and the packs of a store, each opened when it is first needed, once.
final class StoreConnections: Sendable {
    private let address: StoreAddress
    /// The store's folder, or this machine's folder of a shared store.
    private let path: String
    private let isReadOnly: Bool
    /// The packs of a store in a folder; nil for a shared store.
    private let folder: FolderPackHome?
    private let opened = Mutex<Catalog?>(nil)
    private let packs: Packs

    /// The bucket, which several connections of a process share: it has threads and connections of its own.
    final class Packs: Sendable {
        let opened = Mutex<StoreBucket?>(nil)
    }

    /// - Parameter other: whose bucket to share; it must be of the same store.
    init(_ address: StoreAddress, path: String, isReadOnly: Bool, beside other: StoreConnections? = nil) {
        self.address = address
        self.path = path
        self.isReadOnly = isReadOnly
        packs = other?.packs ?? Packs()
        folder = address.shared == nil ? FolderPackHome(store: path) : nil
    }

    /// The catalog, opened on first use.
    func catalog() throws(CatalogError) -> Catalog {
        try opened.withLock { (opened) throws(CatalogError) in
            if let opened { return opened }
            let catalog = try open(readOnly: isReadOnly)
            opened = catalog
            return catalog
        }
    }

    /// Opens the catalog.
    func open(readOnly: Bool) throws(CatalogError) -> Catalog {
        guard case .shared(let shared) = address else { return try Catalog.open(store: path, readOnly: readOnly) }
        do throws(StoreError) { try LocalFolder.make(path) } catch { throw CatalogError(error) }
        let catalog = try Catalog.open(shared: shared.catalog, local: path, readOnly: readOnly)
        let facts = try catalog.sharedFacts()
        try LocalFolder.claim(path, for: facts.storeID)
        try BucketRecord.reconcile(shared, facts, with: catalog)
        return catalog
    }

    var home: any PackHome {
        if let folder { return folder }
        do throws(StoreError) {
            if let bucket = try bucket() { return bucket.home }
            return UnreachablePackHome(StoreError(.unexpected, "the store has no packs"), location: "\(address)")
        } catch {
            return UnreachablePackHome(error, location: "\(address)")
        }
    }

    func bucket() throws(StoreError) -> StoreBucket? {
        guard case .shared(let shared) = address else { return nil }
        return try packs.opened.withLock { (packs) throws(StoreError) in
            if let packs { return packs }
            let settled: SharedStoreAddress
            do throws(CatalogError) { settled = try BucketRecord.settled(shared, by: try catalog()) } catch {
                throw StoreError(error)
            }
            let bucket = try StoreBucket(settled, folder: path)
            packs = bucket
            return bucket
        }
    }
}

extension CatalogError {
    /// An error of this machine's folder, as the reason why the catalog cannot be used.
    init(_ error: StoreError) {
        self.init(
            code: Code(rawValue: error.code.rawValue), message: error.message, path: error.path, hint: error.hint)
    }
}
