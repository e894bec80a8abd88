import Model
import Pack
import Text

extension Fetcher {
    // MARK: Download results

    /// Processes the result of a download.
    public mutating func finished(flight: UInt64, _ attempt: Attempt, now: Int64) -> [Action] {
        guard let (key, index) = flights.removeValue(forKey: flight) else { return [] }
        guard let session = sessions[key], let item = session.items[safe: index], item.phase == .inFlight,
            item.ticket == flight
        else {
            return [.discard(key: key, item: index)]
        }
        let endpoint = session.job.items[index].endpoint
        if attempt.status != nil, attempt.status != 429 { throttled[endpoint] = 0 }
        sessions[key]?.items[index].status = attempt.status
        if let identifier = attempt.identifier { sessions[key]?.items[index].identifier = identifier }
        var actions: [Action] = []
        switch attempt.ending {
        case .complete, .tooLarge:
            actions = answered() + received(key, index, attempt, now)
        case .cut(let why):
            actions = answered() + cut(key, index, attempt, why, now)
        case .refused(let status):
            actions = [.discard(key: key, item: index)] + refused(key, index, status, attempt, endpoint, now)
        case .unreachable(let why):
            actions = [.discard(key: key, item: index)]
            retry(key, index, "no response: \(why)", attempt, now)
        case .storageFailed(let why):
            actions = [.discard(key: key, item: index)]
            notStored(key, index, why, now)
        }
        actions.append(.note(key: key))
        return actions + conclude(key, now)
    }

    /// Handles a local failure. The API is not at fault, so it does not count as a try; a single pass still gives up
    /// after ``triesPerPass`` of them.
    private mutating func notStored(_ key: String, _ index: Int, _ why: String, _ now: Int64) {
        sessions[key]?.items[index].reason = "not stored: \(why)"
        sessions[key]?.items[index].tries -= 1
        sessions[key]?.items[index].localFailures += 1
        let most = triesPerPass ?? Int.max
        if sessions[key]?.items[index].localFailures ?? 0 < most { sessions[key]?.items[index].triesHere -= 1 }
        delay(key, index, by: settings.backoff.base * 5, now)
    }

    private mutating func received(_ key: String, _ index: Int, _ attempt: Attempt, _ now: Int64) -> [Action] {
        guard var item = sessions[key]?.items[index], let plan = sessions[key]?.job.items[index] else { return [] }
        item.failures = 0
        item.absentStrikes = 0
        item.goneStrikes = 0
        if plan.artifact == FetchItem.logs { learnVerdict(key, attempt.looksCrashed ?? false) }
        let unwanted = plan.probe || (plan.onlyIfCrashed && sessions[key]?.crashed == false)
        if unwanted {
            item.settle(.skipped, "sample: crashed, and neither status nor log looks like a crash")
            // A log that was followed while the session ran is skipped as well.
            item.fresh = false
            sessions[key]?.items[index] = item
            return [.discard(key: key, item: index)]
        }
        if attempt.ending == .tooLarge { item.reason = "larger than limits.download; the rest was cut off" }
        let replaces = attempt.holdsEarlier ?? (!item.fresh || attempt.bytes >= item.keptBytes)
        item.keptBytes = attempt.bytes
        item.keptComplete = attempt.ending == .complete
        item.fresh = true
        item.phase = .downloaded
        sessions[key]?.items[index] = item
        return [.keep(key: key, item: index, complete: item.keptComplete, replaces: replaces)]
    }

    private mutating func cut(
        _ key: String, _ index: Int, _ attempt: Attempt, _ why: String, _ now: Int64
    ) -> [Action] {
        guard let item = sessions[key]?.items[index], let plan = sessions[key]?.job.items[index] else { return [] }
        var actions: [Action] = [.discard(key: key, item: index)]
        // Keep the longer of two truncated downloads.
        if !item.keptComplete, attempt.bytes > item.keptBytes, !plan.probe,
            !plan.onlyIfCrashed || sessions[key]?.crashed == true
        {
            sessions[key]?.items[index].keptBytes = attempt.bytes
            sessions[key]?.items[index].fresh = true
            actions = [.keep(key: key, item: index, complete: false, replaces: true)]
        }
        if endsAlike(key, index, attempt.bytes, now) {
            giveUp(
                key, index, .failed,
                "for \(counted(settings.alike / 60_000, "minute")) every download ended at the same byte: \(why)")
        } else {
            let arrived = counted(attempt.bytes, "byte")
            retry(key, index, "the body was cut off after \(arrived): \(why)", attempt, now)
        }
        return actions
    }

    /// Returns whether downloads have ended at the same byte for long enough to assume a limit of the server.
    private mutating func endsAlike(_ key: String, _ index: Int, _ bytes: UInt64, _ now: Int64) -> Bool {
        guard let alike = sessions[key]?.items[index].alike, alike.bytes == bytes, bytes > 0 else {
            sessions[key]?.items[index].alike = (bytes, now, 1)
            return false
        }
        sessions[key]?.items[index].alike?.times += 1
        return alike.times >= 5 && now - alike.since >= settings.alike
    }

    private mutating func refused(
        _ key: String, _ index: Int, _ status: Int, _ attempt: Attempt, _ endpoint: Endpoint, _ now: Int64
    ) -> [Action] {
        switch status {
        case 401, 403:
            // A refused token says nothing about this session, so it does not count as a try.
            sessions[key]?.items[index].tries -= 1
            sessions[key]?.items[index].triesHere -= 1
            sessions[key]?.items[index].reason = "HTTP \(status)"
            enqueue(key, index)
            return pauseEverything(attempt, endpoint, now)
        case 404, 409, 410:
            sessions[key]?.items[index].phase = .checking
            sessions[key]?.items[index].reason = "HTTP \(status)"
            if let id = sessions[key]?.job.id { requestDescribe(id: id) }
            return answered()
        // A 2xx status other than 200 is not documented and says nothing about the artifact.
        case 200..<300, 402, 408, 420, 423, 425, 429, 300..<400, 500...:
            if status == 429 || status == 420 || attempt.retryAfter != nil { slowDown(endpoint, attempt, now) }
            retry(key, index, "HTTP \(status)", attempt, now)
            return status == 402 ? [] : answered()
        default:
            sessions[key]?.items[index].hardRefusals += 1
            if sessions[key]?.items[index].hardRefusals ?? 0 >= 3 {
                giveUp(key, index, .failed, "the API refused the request three times with HTTP \(status)")
            } else {
                retry(key, index, "HTTP \(status)", attempt, now)
            }
            return answered()
        }
    }

    /// Pauses the whole endpoint after a 429, a 420 or a `Retry-After`: for as long as the server asks, otherwise for
    /// longer each time. A 503 without `Retry-After` may concern one session only and must not hold up the others.
    private mutating func slowDown(_ endpoint: Endpoint, _ attempt: Attempt, _ now: Int64) {
        let times = (throttled[endpoint] ?? 0) + 1
        throttled[endpoint] = times
        let jitter = min(settings.longestPause, settings.backoff.delay(failures: times, random: &random))
        let wait = max(0, min(attempt.retryAfter ?? jitter, settings.longestWait))
        buckets[endpoint]?.block(until: now &+ wait)
    }

    mutating func retry(_ key: String, _ index: Int, _ reason: String, _ attempt: Attempt, _ now: Int64) {
        guard let session = sessions[key] else { return }
        sessions[key]?.items[index].reason = reason
        if now >= session.job.deadline {
            giveUpAtDeadline(key, index)
            return
        }
        sessions[key]?.items[index].failures += 1
        let jitter = settings.backoff.delay(failures: session.items[index].failures + 1, random: &random)
        let asked = max(0, min(attempt.retryAfter ?? 0, settings.longestWait))
        delay(key, index, by: max(asked, jitter), now)
    }

    private mutating func learnVerdict(_ key: String, _ crashed: Bool) {
        guard let session = sessions[key] else { return }
        sessions[key]?.verdictKnown = true
        let changed = crashed && !session.crashed
        if changed { sessions[key]?.crashed = true }
        for index in session.items.indices {
            let phase = session.items[index].phase
            if phase == .queued, changed { enqueue(key, index) }
            guard phase == .waiting else { continue }
            if sessions[key]?.crashed == true {
                enqueue(key, index)
            } else {
                sessions[key]?.items[index].settle(
                    .skipped, "sample: crashed, and neither status nor log looks like a crash")
            }
        }
    }

    // MARK: Describe responses

    /// Processes the response to a describe, also one that was not requested here.
    public mutating func described(id: String, _ answer: DescribeAnswer, now: Int64) -> [Action] {
        describing.remove(id)
        guard let key = byID[id], let session = sessions[key] else { return [] }
        let checked = session.items.indices.filter { session.items[$0].phase == .checking }
        guard !checked.isEmpty else { return [] }
        if case .found(let sighting) = answer, sighting.status?.isAlive == true {
            withdraw(key: key)
            return [.returned(key: key)]
        }
        for index in checked { confirm(key, index, answer, now) }
        return [.note(key: key)] + conclude(key, now)
    }

    private mutating func confirm(_ key: String, _ index: Int, _ answer: DescribeAnswer, _ now: Int64) {
        guard var item = sessions[key]?.items[index] else { return }
        let plain = Attempt(.refused(item.status ?? 404))
        switch answer {
        case .failed:
            retry(key, index, "HTTP \(item.status ?? 404), and the session could not be described", plain, now)
        case .found(let sighting) where sighting.status == .serverUnreachable || item.status == 409:
            let status = sighting.status?.rawValue ?? "unknown"
            retry(key, index, "HTTP \(item.status ?? 404), session status \(status)", plain, now)
        case .found:
            item.absentStrikes += 1
            item.goneStrikes = 0
            item.reason = "no such path"
            sessions[key]?.items[index] = item
            if item.absentStrikes >= 2 {
                giveUp(key, index, .absent, "the container exists, but the path does not")
            } else {
                delay(key, index, by: settings.confirmAbsent, confirming: true, now)
            }
        case .notFound(let identifier):
            item.goneStrikes += 1
            item.absentStrikes = 0
            item.reason = "no such container"
            if let identifier { item.identifier = identifier }
            sessions[key]?.items[index] = item
            if item.goneStrikes >= 2 {
                giveUp(key, index, .lost, "the container is gone: the API knows neither it nor its session")
            } else {
                delay(key, index, by: settings.confirmGone, confirming: true, now)
            }
        }
    }
}
