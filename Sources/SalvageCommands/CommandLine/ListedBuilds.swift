import Synchronization
import Terminal

/// The order of builds that the configuration lists, read when it is first needed: most queries need none, and YAML is slow.
final class ListedBuilds: Sendable {
    private let options: GlobalOptions
    private let lifetime: Int64?
    private let known = Mutex<(order: [String], time: Int64)?>(nil)

    /// - Parameter lifetime: how long a value is used before it is read again, in milliseconds; nil for ever.
    init(_ options: GlobalOptions, validFor lifetime: Int64? = nil) {
        self.options = options
        self.lifetime = lifetime
    }

    /// The tags or globs, earliest first.
    ///
    /// - Throws: `ConfigurationError` if the configuration cannot be read and never was.
    func value() throws -> [String] {
        try known.withLock { known in
            let now = TimeText.now()
            if let known, lifetime.map({ now &- known.time < $0 }) ?? true { return known.order }
            do {
                let order = try StoreAccess.listedBuilds(options)
                known = (order, now)
                return order
            } catch {
                // A file that is being edited must not stop a server.
                guard let last = known else { throw error }
                known = (last.order, now)
                return last.order
            }
        }
    }
}
