import Files
import Pack
import PackHome
import Synchronization
import Text
import Threads

/// A home whose packs are read in a known order, several at once: the end of the next packs is requested together, so that a
/// network's delay is paid once for all of them.
///
/// It reads the home that has the packs themselves, not copies.
final class ReadAheadHome: PackHome {
    /// How many packs are opened at once.
    private static let parallel = 64

    private struct State {
        /// The packs in the order in which they will be read.
        var order: [String] = []
        /// Where each is in `order`.
        var places: ByteDictionary<Int> = [:]
        /// Packs that were opened and not yet asked for.
        var opened: [Int: Result<PackBytes, PackError>] = [:]
    }

    private let base: any PackHome
    private let listing: PackListing
    private let state: Mutex<State>

    /// - Parameters:
    ///   - base: the home.
    ///   - listing: what ``list()`` answers.
    ///   - order: the packs in the order in which they will be read; nil for that of the listing.
    init(_ base: any PackHome, listing: PackListing, order: [String]? = nil) {
        self.base = base.original
        self.listing = listing
        let order = order ?? listing.packs.map(\.path)
        let places = ByteDictionary(order.enumerated().map { ($1, $0) }) { first, _ in first }
        state = Mutex(State(order: order, places: places))
    }

    var location: String { base.location }

    var reusesPaths: Bool { base.reusesPaths }

    func list() -> PackListing { listing }

    func bytes(of path: String) throws(PackError) -> PackBytes {
        let next = state.withLock { state -> (start: Int, paths: [String])? in
            guard let place = state.places[path], state.opened[place] == nil else { return nil }
            // What was opened and skipped is not needed any more.
            state.opened.removeAll()
            let end = min(place + Self.parallel, state.order.count)
            return (place, Array(state.order[place..<end]))
        }
        if let next { open(next.paths, from: next.start) }
        let opened = state.withLock { state in
            state.places[path].flatMap { state.opened.removeValue(forKey: $0) }
        }
        guard let opened else { return try base.bytes(of: path) }
        return try opened.get()
    }

    private func open(_ paths: [String], from start: Int) {
        let threads = ThreadGroup()
        for (offset, path) in paths.enumerated() {
            // A pack whose thread cannot be started is opened when it is asked for.
            threads.start { [self] in
                let result = Result { () throws(PackError) in try base.bytes(of: path) }
                state.withLock { $0.opened[start + offset] = result }
            }
        }
        threads.join()
    }

    // MARK: What is passed on

    func presence(of path: String) -> PackPresence { base.presence(of: path) }

    func paths(of session: String, from first: String?) throws(PackError) -> [String] {
        try base.paths(of: session, from: first)
    }

    func localCopy(of path: String) throws(PackError) -> LocalPack { try base.localCopy(of: path) }

    func prepare(_ path: String) throws(PackError) { try base.prepare(path) }

    func publish(_ file: String, as path: String) throws(PackError) { try base.publish(file, as: path) }

    func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval {
        try base.remove(path, ifStill: identity)
    }

    func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String {
        try base.setAside(pack, at: path, keepsPath: keepsPath)
    }

    func removeUnfinished(writtenIn folder: OpenFolder) { base.removeUnfinished(writtenIn: folder) }
}
