import Synchronization

/// The configuration in force: one place that every part of a run reads at each use, so that a reload reaches all of
/// them at once.
public final class CurrentConfiguration: Sendable {
    private struct Held {
        var value: Configuration
        var version = 0
    }

    private let started: Configuration
    private let held: Mutex<Held>

    /// Begins with the configuration that a program started with.
    public init(_ configuration: Configuration) {
        started = configuration
        held = Mutex(Held(value: configuration))
    }

    /// The configuration as it is now.
    public var value: Configuration { held.withLock { $0.value } }

    /// Counts the replacements: what was decided under another number may be decided differently now.
    public var version: Int { held.withLock { $0.version } }

    /// Puts another configuration in force.
    ///
    /// - Returns: the keys whose new value waits for a restart, by their names in the file.
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
    /// The keys that differ and that a running daemon cannot take up: connections and locks are made with them.
    func keysThatWait(for next: Configuration) -> [String] {
        var keys: [String] = []
        if store != next.store { keys.append("store") }
        if api.url != next.api.url { keys.append("api.url") }
        if limits.stall != next.limits.stall { keys.append("limits.stall") }
        return keys
    }
}
