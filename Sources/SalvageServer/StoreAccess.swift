import Files
import Glibc
public import Model
internal import NIOPosix
public import Store
internal import Synchronization

/// The store of the server: runs its blocking calls on threads of its own, never on those of Swift concurrency.
///
/// Each thread has its own read-only connection. A catalog that was replaced by another file, as `restore` does, is opened
/// again. Connections of a shared store are made again by themselves when they break.
public final class ServerStore: Sendable {
    /// Threads for questions.
    static let readers = 4
    /// Threads for searches, which last as long as somebody reads the results.
    static let searchers = 4

    /// Where the store is.
    public let address: StoreAddress
    /// The store's folder on this machine.
    public let path: String
    /// Threads for downloads, which last as long as somebody reads them. Bundles and uploads have further ones.
    static let streamers = 8

    private let streams = NIOThreadPool(numberOfThreads: streamers + APIServices.mostTransfers)
    private let reads = NIOThreadPool(numberOfThreads: readers)
    private let searches = NIOThreadPool(numberOfThreads: searchers)
    private let writes = NIOThreadPool(numberOfThreads: 1)
    /// Has no connection of its own; the others are made beside it.
    private let named: Store
    /// Opened stores that no thread uses now.
    private let idle = Mutex<[Opened]>([])
    /// The configured order of builds.
    private let builds: Mutex<[String]>

    /// A store and the catalog's file that it has open.
    private struct Opened: Sendable {
        let store: Store
        let file: CatalogFileIdentity?
        let builds: [String]
    }

    /// Names the store at an address; it is opened by the first question.
    ///
    /// - Parameter builds: the configured order of builds, as `Store` takes it.
    /// - Throws: `StoreError` as `Store.init` does.
    public init(_ address: StoreAddress, builds: [String] = []) throws(StoreError) {
        self.address = address
        named = try Store(address)
        path = named.path
        self.builds = Mutex(builds)
        for pool in [reads, searches, streams, writes] { pool.start() }
    }

    /// Changes the configured order of builds for later questions.
    public func order(_ builds: [String]) { self.builds.withLock { $0 = builds } }

    /// Ends the threads once their work is done.
    public func close() async throws {
        for pool in [reads, searches, streams, writes] { try await pool.shutdownGracefully() }
    }

    /// Answers a question about the store.
    func read<T: Sendable>(_ body: @escaping @Sendable (Store) throws -> T) async throws -> T {
        try Task.checkCancellation()
        return try await reads.runIfActive { try self.lend(body) }
    }

    /// Runs a search, which may last long.
    func search<T: Sendable>(_ body: @escaping @Sendable (Store) throws -> T) async throws -> T {
        try Task.checkCancellation()
        return try await searches.runIfActive { try self.lend(body) }
    }

    /// Reads what is sent to somebody, which may last long.
    func stream<T: Sendable>(_ body: @escaping @Sendable (Store) throws -> T) async throws -> T {
        try Task.checkCancellation()
        return try await streams.runIfActive { try self.lend(body) }
    }

    /// Changes the store, one change after the other. The store is open for writing only meanwhile.
    func write<T: Sendable>(_ body: @escaping @Sendable (Store) throws -> T) async throws -> T {
        try await writes.runIfActive {
            try body(Store(beside: self.named, readOnly: false, builds: self.builds.withLock { $0 }))
        }
    }

    private func lend<T>(_ body: (Store) throws -> T) throws -> T {
        let file = named.isShared ? nil : CatalogFileIdentity(path + "/catalog.sqlite")
        let builds = builds.withLock { $0 }
        let opened = idle.withLock { idle in
            idle.removeAll { $0.file != file || $0.builds != builds }
            return idle.popLast()
        }
        let used = opened ?? Opened(store: Store(beside: named, builds: builds), file: file, builds: builds)
        defer { idle.withLock { $0.append(used) } }
        return try body(used.store)
    }
}

/// Which file a path names: another file at the same path is another one.
private struct CatalogFileIdentity: Equatable, Sendable {
    let device: UInt64
    let inode: UInt64

    /// Nil if the path names nothing that can be seen.
    init?(_ path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
    }
}
