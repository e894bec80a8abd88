internal import AsyncHTTPClient
internal import Clocks
internal import Dispatch
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Signs requests, sends them and repeats them until they have an answer that counts.
final class RequestLoop: Sendable {
    let location: S3Location
    let endpoint: BucketEndpoint
    let credentials: any S3Credentials
    let options: S3Options
    private let transport: HTTPTransport
    private let gate: FlightGate
    private let signer: RequestSigner
    private let totals = Mutex(S3Counts())
    /// Milliseconds by which the server's clock is ahead; requests are stamped with its time.
    private let offset = Atomic<Int64>(0)

    init(
        _ location: S3Location, _ endpoint: BucketEndpoint, _ credentials: any S3Credentials, parallel: Int,
        _ options: S3Options
    ) throws(S3Error) {
        self.location = location
        self.endpoint = endpoint
        self.credentials = credentials
        self.options = options
        signer = RequestSigner(region: endpoint.region)
        let bundle = options.environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
        // A few more than requests at once: a connection that is being closed still counts.
        transport = try HTTPTransport(options, connections: parallel + 4, authorities: bundle)
        gate = FlightGate(most: parallel)
    }

    var counts: S3Counts {
        var counts = totals.withLock { $0 }
        counts.parallel = gate.limit
        counts.clockOffset = offset.load(ordering: .relaxed)
        return counts
    }

    func shutdown() async { await transport.shutdown() }

    /// Carries out a call. Bounded in time by the options.
    ///
    /// - Parameter keys: the keys for the first try. Sources of keys block, so the caller asks them on its own thread.
    func perform(_ call: S3Call, _ keys: S3Keys) async -> S3Outcome {
        var keys = keys
        var schedule = RetrySchedule(options, now: MonotonicClock.milliseconds())
        var generator = SystemRandomNumberGenerator()
        var (mayHaveActed, hasCorrectedClock, hasOtherKeys) = (false, false, false)
        while true {
            schedule.begin()
            var fault: S3Fault
            switch await attempt(call, keys, isRetry: schedule.tries > 1) {
            case .success(let answer): return S3Outcome(result: .success(answer), mayHaveActed: mayHaveActed)
            case .failure(let failure): fault = failure
            }
            switch fault.retry {
            case .no: return S3Outcome(result: .failure(fault.error), mayHaveActed: mayHaveActed || fault.mayHaveActed)
            case .clock(let ahead):
                guard !hasCorrectedClock else {
                    return S3Outcome(result: .failure(fault.error), mayHaveActed: mayHaveActed)
                }
                hasCorrectedClock = true
                offset.store(ahead, ordering: .relaxed)
                continue
            case .otherKeys:
                guard !hasOtherKeys, let others = await otherKeys(than: keys) else {
                    return S3Outcome(result: .failure(fault.error), mayHaveActed: mayHaveActed)
                }
                hasOtherKeys = true
                keys = others
                continue
            case .yes, .slower: break
            }
            mayHaveActed = mayHaveActed || fault.mayHaveActed
            let now = MonotonicClock.milliseconds()
            guard case .wait(let wait) = schedule.step(asked: fault.after, now: now, by: &generator),
                await LoopExecutor.shared.pause(milliseconds: wait)
            else {
                fault.error.message += "; gave up after \(schedule.tries) tries"
                return S3Outcome(result: .failure(fault.error), mayHaveActed: mayHaveActed)
            }
        }
    }

    // MARK: One try

    private func attempt(_ call: S3Call, _ keys: S3Keys, isRetry: Bool) async -> Result<S3Answer, S3Fault> {
        let key = call.key ?? "\(location)"
        guard await gate.enter() else {
            return .failure(
                S3Fault(error: S3Error(.unavailable, "cannot \(call.purpose): interrupted", key: key), retry: .no))
        }
        let stamped = WallClock.now() &+ offset.load(ordering: .relaxed)
        let request = signed(call, keys, stamped)
        let sent = await transport.send(request, sending: call.body.readableBytes) { answer in
            call.successes.contains(answer.status) ? call.mostBody : 64 << 10
        }
        let result = judged(call, key, sent, stamped)
        var isSlowed = false
        if case .failure(let fault) = result { isSlowed = fault.retry == .slower }
        gate.leave(isSlowed: isSlowed)
        totals.withLock { totals in
            totals.requests += 1
            if isRetry { totals.retries += 1 }
            if isSlowed { totals.slowed += 1 }
            totals.bytesOut += UInt64(call.body.readableBytes)
            if case .success(let answer) = sent { totals.bytesIn += UInt64(answer.body.count) }
        }
        return result
    }

    private func judged(
        _ call: S3Call, _ key: String, _ sent: Result<S3Answer, TransportFault>, _ stamped: Int64
    ) -> Result<S3Answer, S3Fault> {
        switch sent {
        case .success(let answer):
            guard call.successes.contains(answer.status) else {
                let judge = AnswerJudge(
                    purpose: call.purpose, key: key, bucket: location.bucket, region: endpoint.region)
                var fault = judge.fault(answer, stamped: stamped, now: WallClock.now())
                // A gateway that gave up waiting does not know what the server went on to do.
                fault.mayHaveActed = answer.status >= 500
                return .failure(fault)
            }
            if let fault = call.check?(answer) { return .failure(fault) }
            return .success(answer)
        case .failure(let failure):
            let error = S3Error(
                .unavailable, "cannot \(call.purpose): \(failure.words)", key: key,
                hint: failure.hint ?? "check the endpoint \(endpoint.scheme)://\(endpoint.host) and the network"
            )
            return .failure(
                S3Fault(error: error, retry: failure.isFinal ? .no : .yes, mayHaveActed: failure.mayHaveActed))
        }
    }

    private func signed(_ call: S3Call, _ keys: S3Keys, _ milliseconds: Int64) -> HTTPClientRequest {
        let stamp = RequestSigner.stamp(milliseconds / 1000)
        let path = endpoint.path(of: call.key.map { location.prefix + $0 })
        var headers = [
            ("host", endpoint.host), ("x-amz-date", stamp), ("x-amz-content-sha256", call.payload),
        ]
        if let session = keys.session { headers.append(("x-amz-security-token", session)) }
        headers += call.headers
        let signing = SigningRequest(
            call.method.rawValue, path: path, query: call.query, headers: headers, payload: call.payload)
        var request = HTTPClientRequest(url: endpoint.url(path, query: signing.canonicalQuery))
        request.method = call.method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.headers.add(name: "authorization", value: signer.authorization(signing, keys, stamp: stamp))
        request.headers.add(name: "accept-encoding", value: "identity")
        request.headers.add(name: "user-agent", value: "salvage")
        if call.body.readableBytes > 0 || call.method == .PUT || call.method == .POST {
            request.body = .bytes(call.body)
        }
        return request
    }

    /// Other keys than those that the server refused; nil if there are none. On a thread that may block.
    private func otherKeys(than keys: S3Keys) async -> S3Keys? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [credentials] in
                credentials.forget(keys)
                let others = try? credentials.current()
                continuation.resume(returning: others == keys ? nil : others)
            }
        }
    }
}
