import Model
import Synchronization

/// The configuration in force. Every part of a run reads it here at each use, so that a reload reaches all of them at
/// once.
public final class CurrentConfiguration: Sendable {
    private struct Held {
        var value: Configuration
        var version = 0
    }

    private let started: Configuration
    private let held: Mutex<Held>

    /// Starts with the configuration loaded at startup.
    public init(_ configuration: Configuration) {
        started = configuration
        held = Mutex(Held(value: configuration))
    }

    /// The current configuration.
    public var value: Configuration { held.withLock { $0.value } }

    /// The number of replacements so far. A decision made under another version may turn out differently now.
    public var version: Int { held.withLock { $0.version } }

    /// Puts another configuration in force.
    ///
    /// - Returns: the keys, as written in the file, whose new value takes effect only after a restart.
    @discardableResult
    public func replace(with next: Configuration) -> [String] {
        held.withLock { held in
            held.value = next
            held.version += 1
        }
        return started.keysThatWait(for: next)
    }
}

extension Configuration {
    /// Returns the changed keys that a running daemon cannot apply, because its connections and locks depend on them.
    func keysThatWait(for next: Configuration) -> [String] {
        var keys: [String] = []
        keys += StoreAddress.changedKeys(store, next.store)
        if api.url != next.api.url { keys.append("api.url") }
        if limits.stall != next.limits.stall { keys.append("limits.stall") }
        return keys
    }
}
