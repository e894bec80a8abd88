package import Catalog
import Model
package import PackHome
internal import Synchronization

/// A store, opened once: every question about it and all of its upkeep, as functions that return values.
///
/// Nothing here prints, parses arguments or ends the process; command line and server render what these functions return.
/// They block. Long lists are passed to a closure one value at a time, so that memory does not grow with the store; a
/// closure that throws ends the list, which is also how a caller cancels it. Errors are those of the modules below and
/// ``StoreError``; ``StoreError/init(_:)`` brings all of them into one shape.
public final class Store: Sendable {
    /// The store's folder, without a slash at its end.
    public let path: String
    /// Whether nothing may be changed.
    public let isReadOnly: Bool
    /// Where its packs are.
    package let home: any PackHome
    /// The local copies of a shared store's symbols; nil for an embedded one.
    package let symbolCache: SymbolCache?
    /// Reads the tags or globs of `builds: order:` in the configuration, earliest first. Called at each use: a daemon may
    /// reload its configuration, and most questions need no order.
    let listedBuilds: @Sendable () throws -> [String]
    private let opened = Mutex<Catalog?>(nil)

    /// Names the store at `location`: the path of a folder. Nothing is read or created before the first question.
    ///
    /// - Parameters:
    ///   - location: the folder.
    ///   - readOnly: whether to allow questions only. Otherwise a missing catalog is created and an older one migrated.
    ///   - builds: the configured order of builds: tags or globs, earliest first; see `BuildOrder`. Evaluated at each use.
    /// - Throws: ``StoreError`` with `unsupportedStore` for an address such as `postgres://host/name`.
    public init(
        _ location: String, readOnly: Bool = true, builds: @autoclosure @escaping @Sendable () throws -> [String] = []
    ) throws(StoreError) {
        if let end = location.firstRange(of: "://")?.lowerBound, end > location.startIndex {
            // An address may contain a password: only its scheme is repeated.
            throw StoreError(
                .unsupportedStore, "this build cannot open a store at a \(location[..<end]):// address",
                hint: "name a folder", kind: .invalid)
        }
        var path = location
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        self.path = path
        home = FolderPackHome(store: path)
        symbolCache = nil
        isReadOnly = readOnly
        listedBuilds = builds
    }

    /// The catalog, opened on first use.
    ///
    /// - Throws: `CatalogError` as `Catalog.open` does.
    package func catalog() throws(CatalogError) -> Catalog {
        try opened.withLock { (opened) throws(CatalogError) in
            if let opened { return opened }
            let catalog = try Catalog.open(store: path, readOnly: isReadOnly)
            opened = catalog
            return catalog
        }
    }
}
