import Synchronization

/// The cookies of those who signed out, until they would have expired: a copy of one is worth nothing.
final class EndedSessions: Sendable {
    /// Cookies remembered; beyond that, those that expire first are forgotten.
    private static let capacity = 10_000

    /// When the cookie with a nonce expires (ms since 1970).
    private let expiries = Mutex<[String: Int64]>([:])

    /// Whether its owner signed out.
    func contains(_ cookie: SessionCookie) -> Bool { expiries.withLock { $0[cookie.nonce] != nil } }

    /// Its owner signs out.
    func add(_ cookie: SessionCookie, now: Int64) {
        expiries.withLock { expiries in
            if expiries.count >= Self.capacity {
                expiries = expiries.filter { $0.value > now }
                for (nonce, _) in expiries.sorted(by: { $0.value < $1.value }).prefix(
                    max(0, expiries.count - Self.capacity / 2))
                { expiries[nonce] = nil }
            }
            expiries[cookie.nonce] = cookie.expires
        }
    }
}
