import HTTPTypes
import SalvageConfiguration
import Store
import Synchronization

/// What all handlers share.
final class APIServices: Sendable {
    /// Searches that run at the same time.
    static let mostSearches = ServerStore.searchers
    /// Bundles and uploads that are written at the same time.
    static let mostTransfers = 4

    let settings: ServerSettings
    let store: ServerStore
    let configuration: @Sendable () throws -> Configuration
    /// Writes a bundle of sessions to a new file.
    let bundle: @Sendable (Store, [String], String) throws -> Void
    let events: EventFeed
    /// Limits searches.
    let searches = Admission(mostSearches, "searches")
    /// Limits downloads of logs and files: each keeps some megabytes of what it unpacks.
    let streams = Admission(ServerStore.streamers, "downloads")
    /// Limits what is written to the disk for a request.
    let transfers = Admission(mostTransfers, "transfers")

    init(_ options: ServerOptions, _ store: ServerStore) {
        settings = options.settings
        self.store = store
        configuration = options.configuration
        bundle = options.bundle
        events = EventFeed(store, options.settings)
    }
}

/// Limits how many run at the same time.
final class Admission: Sendable {
    /// A place among those that are let in, given back when it is released.
    final class Place: Sendable {
        private let admission: Admission

        fileprivate init(_ admission: Admission) { self.admission = admission }

        deinit { admission.count.withLock { $0 -= 1 } }
    }

    private let most: Int
    private let what: String
    private let count = Mutex(0)

    init(_ most: Int, _ what: String) {
        self.most = most
        self.what = what
    }

    /// Takes a place.
    ///
    /// - Throws: ``ServerFailure`` with 503 if all are taken.
    func enter() throws -> Place {
        let isFree = count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
        guard isFree else {
            throw ServerFailure(
                .serviceUnavailable, "busy", "\(most) \(what) are running already", hint: "try again in a moment",
                retryAfter: 2)
        }
        return Place(self)
    }
}
