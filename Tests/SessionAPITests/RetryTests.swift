import Synchronization
import Testing

@testable import SessionAPI

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy(
        attempts: 4, total: .seconds(60), firstWait: .seconds(1), longestWait: .seconds(8))

    private func error(
        _ kind: APIError.Kind, _ operation: APIOperation = .describeSession, wait: Double? = nil, acted: Bool? = nil
    ) -> APIError {
        APIError(kind, operation: operation, message: "m", retryAfter: wait, mayHaveActed: acted)
    }

    private func decision(
        _ error: APIError, attempt: Int = 1, elapsed: Duration = .zero, random: Double = 0
    ) -> RetryDecision {
        policy.decision(after: error, attempt: attempt, elapsed: elapsed, random: random)
    }

    @Test func whatIsTriedAgain() {
        let passing: Set<APIError.Kind> = [
            .capacity, .rateLimited, .server, .network, .timeout, .truncated, .invalidAnswer,
        ]
        for kind in APIError.Kind.allCases {
            for operation in APIOperation.allCases {
                for acted in [true, false] {
                    let allowed = passing.contains(kind) && (operation != .sessionRun || !acted)
                    let decided = decision(error(kind, operation, acted: acted))
                    #expect((decided != .giveUp) == allowed, "\(kind) \(operation) \(acted)")
                }
            }
        }
        #expect(APIOperation.allCases.filter { !$0.isIdempotent } == [.sessionRun])
    }

    @Test func waitsDoubleUpToABoundAndAreShortenedAtRandom() {
        let patient = RetryPolicy(
            attempts: .max, total: .seconds(1_000_000), firstWait: .seconds(1), longestWait: .seconds(8))
        let waits = [1, 2, 3, 4, 5, 1_000_000, .max - 1].map { attempt in
            patient.decision(after: error(.server), attempt: attempt, elapsed: .zero, random: 0)
        }
        #expect(waits == [1, 2, 4, 8, 8, 8, 8].map { RetryDecision.retry(after: .seconds($0)) })
        for random in [0, 0.25, 0.5, 0.999] {
            #expect(
                decision(error(.server), attempt: 3, random: random) == .retry(after: .seconds(4) * (1 - random / 2)))
        }
    }

    @Test func aServerThatAsksForTimeGetsIt() {
        #expect(decision(error(.capacity, wait: 30)) == .retry(after: .seconds(30)))
        #expect(decision(error(.rateLimited, wait: 30), random: 0.5) == .retry(after: .seconds(30.5)))
        // Less than the policy's own wait.
        #expect(decision(error(.server, wait: 0), attempt: 3) == .retry(after: .seconds(4)))
        // More than the time that is left.
        #expect(decision(error(.server, wait: 60)) == .giveUp)
        #expect(decision(error(.server, wait: .infinity)) == .retry(after: .seconds(1)))
    }

    @Test func attemptsAndTimeAreBounded() {
        #expect(decision(error(.server), attempt: 3) != .giveUp)
        #expect(decision(error(.server), attempt: 4) == .giveUp)
        #expect(decision(error(.server), elapsed: .seconds(58.9)) != .giveUp)
        #expect(decision(error(.server), elapsed: .seconds(59)) == .giveUp)
        #expect(
            RetryPolicy(attempts: 1).decision(after: error(.server), attempt: 1, elapsed: .zero, random: 0) == .giveUp)
        #expect(
            RetryPolicy(attempts: 0).decision(after: error(.server), attempt: 1, elapsed: .zero, random: 0) == .giveUp)
    }
}

@Suite struct RetryingTests {
    private func retrying(_ base: ScriptedAPI, attempts: Int = 5) -> (RetryingSessionAPI<ScriptedAPI>, Waits) {
        let waits = Waits()
        let policy = RetryPolicy(attempts: attempts, total: .seconds(1000), firstWait: .seconds(1))
        return (
            RetryingSessionAPI(base, policy: policy, random: { 0 }, sleep: { duration in waits.add(duration) }), waits
        )
    }

    /// What would have been waited.
    private final class Waits: Sendable {
        private let list = Mutex<[Duration]>([])
        func add(_ duration: Duration) { list.withLock { $0.append(duration) } }
        var all: [Duration] { list.withLock { $0 } }
    }

    private func passing(_ operation: APIOperation) -> APIError {
        APIError(.server, operation: operation, status: 503, message: "later")
    }

    @Test func everyOperationIsRepeatedButAStart() async throws {
        for operation in APIOperation.allCases {
            let base = ScriptedAPI(failures: [passing(operation), passing(operation)])
            let (api, waits) = retrying(base)
            let error = await failure { () async throws(APIError) in
                switch operation {
                case .sessionRun: _ = try await api.sessionRun(SessionRunRequest(location: "l", image: "i"))
                case .sessionList: _ = try await api.sessionList()
                case .describeSession: _ = try await api.describeSession("s")
                case .sessionStop: try await api.sessionStop("s")
                case .joinSession: _ = try await api.joinSession("s", players: [])
                case .leaveSession: _ = try await api.leaveSession(players: [])
                case .artifacts: _ = try await api.artifacts(session: "s", path: "/p")
                case .availableLocations: _ = try await api.availableLocations(image: "i")
                case .tagExists: _ = try await api.tagExists(region: "r", image: "i", version: "v")
                case .streamLogs: _ = try await api.streamLogs(session: "s")
                }
            }
            #expect((error == nil) == (operation != .sessionRun), "\(operation)")
            #expect(base.calls.count == (operation == .sessionRun ? 1 : 3))
            if operation != .sessionRun { #expect(waits.all == [.seconds(1), .seconds(2)]) }
        }
    }

    @Test func aStartThatWasRefusedIsRepeatedUnderOneID() async throws {
        let busy = APIError(.capacity, operation: .sessionRun, status: 420, message: "full", retryAfter: 9)
        let nobody = APIError(.network, operation: .sessionRun, message: "refused", mayHaveActed: false)
        let base = ScriptedAPI(failures: [busy, nobody])
        let (api, waits) = retrying(base)
        let started = try await api.sessionRun(SessionRunRequest(location: "l", image: "i"))
        #expect(base.calls == Array(repeating: "run \(started.id)", count: 3))
        #expect(!started.id.isEmpty)
        #expect(waits.all == [.seconds(9), .seconds(2)])
    }

    @Test func anEndedSessionIsSuccessOnlyWhereAnEarlierAttemptMayHaveEndedIt() async throws {
        let ended = APIError(.conflict, operation: .sessionStop, status: 409, message: "ended")
        let gone = APIError(.notFound, operation: .sessionStop, status: 404, message: "gone")
        let refused = APIError(.rateLimited, operation: .sessionStop, status: 429, message: "many")
        let cases: [([APIError], APIError.Kind?)] = [
            ([passing(.sessionStop), ended], nil), ([ended], .conflict), ([refused, ended], .conflict),
            ([passing(.sessionStop), refused, ended], nil), ([passing(.sessionStop), gone], .notFound),
        ]
        for (failures, kind) in cases {
            let (api, _) = retrying(ScriptedAPI(failures: failures))
            let error = await failure { () async throws(APIError) in try await api.sessionStop("s") }
            #expect(error?.kind == kind, "\(failures)")
        }
    }

    @Test func aListIsNotRepeatedOnceEntriesWereHandedOver() async throws {
        let cut = APIError(.truncated, operation: .sessionList, message: "cut")
        let base = ScriptedAPI(failures: [cut], entries: [SessionEntry(id: "a")])
        let (api, _) = retrying(base)
        var ids: [String] = []
        let error = await failure { () async throws(APIError) in try await api.sessionList { ids.append($0.id) } }
        #expect(error?.kind == .truncated && ids == ["a"] && base.calls == ["list"])
        let empty = ScriptedAPI(failures: [cut])
        #expect(try await retrying(empty).0.sessionList().sessions.isEmpty)
        #expect(empty.calls == ["list", "list"])
    }

    @Test func attemptsAreBoundedAndTheLastFailureStands() async throws {
        let failures = (1...9).map { APIError(.server, operation: .describeSession, message: "\($0)") }
        let base = ScriptedAPI(failures: failures)
        let error = await failure { () async throws(APIError) in
            try await retrying(base, attempts: 3).0.describeSession("s")
        }
        #expect(error?.message == "3" && base.calls.count == 3)
    }

    @Test(.timeLimit(.minutes(1))) func aCancellationEndsTheWaitAtOnce() async throws {
        let base = ScriptedAPI(failures: [passing(.describeSession)])
        let api = RetryingSessionAPI(
            base, policy: RetryPolicy(total: .seconds(10_000), firstWait: .seconds(5_000), longestWait: .seconds(5_000))
        )
        let task = Task { await failure { () async throws(APIError) in try await api.describeSession("s") } }
        while base.calls.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        let error = await task.value
        #expect(error?.kind == .cancelled && base.calls.count == 1)
    }

    @Test(.timeLimit(.minutes(1))) func theTotalTimeEndsAnAttemptThatHangs() async throws {
        try await withServer { request, peer in
            if request.target.hasPrefix("/artifacts") {
                peer.respond("200 OK", [], "late")
                return .keepOpen
            }
            peer.waitForClose()
            return .close
        } _: { client, _ in
            let api = RetryingSessionAPI(client, policy: RetryPolicy(total: .milliseconds(300)))
            let error = await failure { () async throws(APIError) in try await api.describeSession("s") }
            #expect(error?.kind == .timeout)
            let log = await failure { () async throws(APIError) in try await api.streamLogs(session: "s") }
            #expect(log?.kind == .timeout)
            // The body of a stream has its own time.
            let patient = RetryingSessionAPI(client, policy: RetryPolicy(total: .seconds(5)))
            let download = try await patient.artifacts(session: "s", path: "/p")
            try await Task.sleep(for: .seconds(6))
            #expect(await collect(download.body).bytes == Array("late".utf8))
        }
    }

    @Test func aRealServerThatIsBusyForAWhile() async throws {
        let asked = Counter()
        try await withServer { request, peer in
            asked.add(1)
            if asked.value < 3 {
                peer.respond("420 Busy", ["Retry-After: 0"], #"{"code":"CAPACITY","message":"full"}"#)
            } else {
                peer.respond("201 Created", [], #"{"host":"h","ports":[]}"#)
            }
            return .keepOpen
        } _: { client, server in
            let api = RetryingSessionAPI(client, policy: RetryPolicy(firstWait: .milliseconds(1)))
            let started = try await api.sessionRun(SessionRunRequest(location: "l", image: "i"))
            #expect(server.requests.count == 3)
            #expect(server.requests.allSatisfy { $0.body.contains(started.id) })
        }
    }
}
