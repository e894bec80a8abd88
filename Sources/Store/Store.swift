package import Catalog
public import Model
package import PackHome

/// A store, opened once: every question about it and all of its upkeep, as functions that return values.
///
/// Nothing here prints, parses arguments or ends the process; command line and server render what these functions return.
/// They block. Long lists are passed to a closure one value at a time, so that memory does not grow with the store; a
/// closure that throws ends the list, which is also how a caller cancels it. Errors are those of the modules below and
/// ``StoreError``; ``StoreError/init(_:)`` brings all of them into one shape.
public final class Store: Sendable {
    /// Where the store is.
    public let address: StoreAddress
    /// The store's folder, without a slash at its end. For a shared store: this machine's folder, with its spool, its
    /// followed logs and copies of what the bucket has; created when the store is first used.
    public let path: String
    /// Whether nothing may be changed.
    public let isReadOnly: Bool
    /// Reads the tags or globs of `builds: order:` in the configuration, earliest first. Called at each use: a daemon may
    /// reload its configuration, and most questions need no order.
    let listedBuilds: @Sendable () throws -> [String]
    private let connections: StoreConnections

    /// Names the store at an address. Nothing is read, created or contacted before the first question.
    ///
    /// - Parameters:
    ///   - address: the folder, or where the parts of a shared store are.
    ///   - readOnly: whether to allow questions only. Otherwise a missing catalog is created and an older one migrated.
    ///   - builds: the configured order of builds: tags or globs, earliest first; see `BuildOrder`. Evaluated at each use.
    /// - Throws: ``StoreError`` with `cacheRefused` for a shared store if nothing says where this machine's folder is.
    public init(
        _ address: StoreAddress, readOnly: Bool = true,
        builds: @autoclosure @escaping @Sendable () throws -> [String] = []
    ) throws(StoreError) {
        self.address = address
        switch address {
        case .folder(let folder):
            var path = folder
            while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
            self.path = path
        case .shared(let shared): path = try LocalFolder.path(for: shared)
        }
        connections = StoreConnections(address, path: path, isReadOnly: readOnly)
        isReadOnly = readOnly
        listedBuilds = builds
    }

    /// Names the store at a location: the path of a folder, or `postgres://…`; see ``init(_:readOnly:builds:)``.
    ///
    /// - Throws: ``StoreError`` with `unsupportedStore` for an address of another kind, or one that is not valid.
    public convenience init(
        _ location: String, readOnly: Bool = true, builds: @autoclosure @escaping @Sendable () throws -> [String] = []
    ) throws(StoreError) {
        try self.init(Self.address(of: location), readOnly: readOnly, builds: try builds())
    }

    /// Names the same store once more, with a connection of its own to the catalog, for another thread. What was found out
    /// about the bucket is shared.
    ///
    /// - Parameters:
    ///   - other: the store.
    ///   - readOnly: whether to allow questions only.
    ///   - builds: the configured order of builds, evaluated at each use.
    public init(
        beside other: Store, readOnly: Bool = true,
        builds: @autoclosure @escaping @Sendable () throws -> [String] = []
    ) {
        address = other.address
        path = other.path
        connections = StoreConnections(address, path: path, isReadOnly: readOnly, beside: other.connections)
        isReadOnly = readOnly
        listedBuilds = builds
    }

    /// Reads the address of a store.
    ///
    /// - Throws: ``StoreError`` with `unsupportedStore`.
    static func address(of location: String) throws(StoreError) -> StoreAddress {
        do throws(StoreAddressProblem) { return try StoreAddress(parsing: location) } catch {
            throw StoreError(
                .unsupportedStore, "the store's address \(error.message)", hint: error.fix, kind: .invalid)
        }
    }

    /// Whether several machines may use the store: its catalog is in PostgreSQL, its packs are in a bucket.
    public var isShared: Bool { address.shared != nil }

    /// Where its packs are. For a shared store, the first use finds out and may contact the catalog; if that fails, every
    /// call on the home throws the reason, and the next use tries again.
    package var home: any PackHome { connections.home }

    /// The catalog, opened on first use.
    ///
    /// - Throws: `CatalogError` as `Catalog.open` does. For a shared store also with `cacheRefused` if this machine's folder
    ///   cannot be used, and `bucketDiffers` if configuration and catalog name different buckets.
    package func catalog() throws(CatalogError) -> Catalog { try connections.catalog() }

    /// Opens another connection to the catalog: to read through one while another writes.
    ///
    /// - Throws: `CatalogError` as ``catalog()`` does.
    package func openCatalog(readOnly: Bool) throws(CatalogError) -> Catalog {
        try connections.open(readOnly: readOnly)
    }

    /// The connection to the bucket; nil for a folder.
    ///
    /// - Throws: ``StoreError`` if nothing says where the bucket is, or its settings or credentials are not valid.
    package func bucket() throws(StoreError) -> StoreBucket? { try connections.bucket() }
}
