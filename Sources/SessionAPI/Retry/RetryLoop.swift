import SessionModel

extension RetryingSessionAPI {
    /// Makes attempts until one succeeds or the policy gives up.
    /// - Parameters:
    ///   - mayRepeat: called after a failure; false makes it final.
    ///   - attempt: makes one attempt. Its second argument is true when an earlier one may have been carried out.
    nonisolated(nonsending) func repeated<Result>(
        while mayRepeat: () -> Bool = { true },
        _ attempt: (_ base: Base, _ mayHaveActed: Bool) async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        let begun = ContinuousClock.now
        var mayHaveActed = false
        var number = 1
        while true {
            let failure: APIError
            do throws(APIError) {
                return try await attempt(base.limited(to: policy.total - (.now - begun)), mayHaveActed)
            } catch {
                failure = error
            }
            mayHaveActed = mayHaveActed || failure.mayHaveActed
            guard mayRepeat(), !Task.isCancelled,
                case .retry(let wait) = policy.decision(
                    after: failure, attempt: number, elapsed: .now - begun, random: random())
            else { throw failure }
            do {
                try await sleep(wait)
            } catch {
                throw APIError(
                    .cancelled, operation: failure.operation, session: failure.session,
                    message: "cancelled before attempt \(number + 1); the last one failed: \(failure.message)",
                    mayHaveActed: mayHaveActed)
            }
            number += 1
        }
    }

    /// Repeats a request for a stream until its head arrives; the body may take longer than ``RetryPolicy/total``.
    func repeatedHead<Stream: Sendable>(
        _ operation: APIOperation, _ session: String, _ attempt: @escaping @Sendable (Base) async throws -> Stream
    ) async throws(APIError) -> Stream {
        let end = ContinuousClock.now + policy.total
        let base = base
        return try await repeated { (_, _) async throws(APIError) in
            do {
                return try await untilDone(by: end) { try await attempt(base) }
            } catch let error as APIError {
                throw error
            } catch is CallOverdue {
                throw APIError(
                    .timeout, operation: operation, session: session,
                    message: "no response began within \(policy.total)")
            } catch {
                throw APIError(.cancelled, operation: operation, session: session, message: "cancelled")
            }
        }
    }
}
