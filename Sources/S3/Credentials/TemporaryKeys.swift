/// Temporary keys and when to ask for others: a pure state machine with the time as an argument, in milliseconds since
/// 1970.
package struct TemporaryKeys: Sendable {
    /// What to do for a request.
    package enum Step: Sendable, Equatable {
        /// Sign with these.
        case use(S3Keys)
        /// Ask the service.
        case ask
        /// Fail as the service did a moment ago.
        case fail(S3Error)
    }

    /// How long before their end keys are renewed: AWS's services have new ones at least five minutes before.
    package static let margin: Int64 = 5 * 60_000
    /// How long a service that failed is not asked again.
    package static let pause: Int64 = 10_000

    private var keys: S3Keys?
    private var failure: (error: S3Error, until: Int64)?

    /// Begins without keys.
    package init() {}

    /// The step at a time.
    package func step(now: Int64) -> Step {
        if let keys {
            guard let expires = keys.expires else { return .use(keys) }
            if now < expires - Self.margin { return .use(keys) }
            // Old keys serve until they end, if the service does not answer.
            if let failure, now < failure.until, now < expires { return .use(keys) }
        }
        if let failure, now < failure.until { return .fail(failure.error) }
        return .ask
    }

    /// Takes the service's answer; returns what to sign with now.
    package mutating func answered(_ result: Result<S3Keys, S3Error>, now: Int64) throws(S3Error) -> S3Keys {
        switch result {
        case .success(let new):
            (keys, failure) = (new, nil)
            return new
        case .failure(let error):
            failure = (error, now + Self.pause)
            guard let keys, let expires = keys.expires, now < expires else { throw error }
            return keys
        }
    }

    /// Forgets keys that the server refused.
    package mutating func forget(_ refused: S3Keys) {
        if keys == refused { keys = nil }
    }
}
