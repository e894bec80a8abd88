import Synchronization

/// Counts failed attempts to sign in, by address, and refuses an address that has too many.
final class AttemptLimit: Sendable {
    /// Attempts that may fail within ``window``.
    static let most = 10
    /// In milliseconds.
    static let window: Int64 = 60_000
    /// Addresses remembered.
    private static let capacity = 10_000

    private struct Failures {
        var count: Int
        let since: Int64
    }

    private let failures = Mutex<[String: Failures]>([:])

    /// How many seconds this address must wait; nil if it may try.
    func wait(_ address: String, now: Int64) -> Int? {
        failures.withLock { failures in
            guard let known = failures[address], known.count >= Self.most else { return nil }
            let left = known.since &+ Self.window &- now
            guard left > 0 else {
                failures[address] = nil
                return nil
            }
            return Int(clamping: left / 1000 + 1)
        }
    }

    /// Records a failed attempt.
    func fail(_ address: String, now: Int64) {
        failures.withLock { failures in
            if var known = failures[address], known.since &+ Self.window > now {
                known.count += 1
                failures[address] = known
                return
            }
            if failures.count >= Self.capacity {
                failures = failures.filter { $0.value.since &+ Self.window > now }
                if failures.count >= Self.capacity { failures.removeAll() }
            }
            failures[address] = Failures(count: 1, since: now)
        }
    }
}
