import Bytes
import Notify
import Text

/// Decides which crash is sent when: a pure state machine. It takes crashes, the outcomes of tries and the time, and returns
/// what to write and to send.
///
/// - At least once: a crash is sent until the service takes it, refuses it, or it waited for ``longestWait`` while
///   every try failed, or for ``longestPause`` because of a limit or of something that people must change. An event's id
///   is made from the crash, so that a second delivery is recognized.
/// - One try at a time. A crash that fails waits for longer each time and lets others pass; the service is tried less often
///   while every try fails.
/// - What the service limits waits until the limit ends. A minidump that waits for ``longestForMinidump`` is left out.
/// - The clock may be set: no wait becomes longer when it goes back.
/// - Its journal restores it: ``replay(_:)`` takes the records that it returned before, ``snapshot`` is the shortest
///   list of records that restores the same state.
struct ExportQueue: Sendable {
    /// What to do, in this order.
    enum Action: Sendable, Equatable {
        /// Add an entry to the ledger and sync it before anything that follows.
        case enter(ExportEntry)
        /// Add a record to the journal and sync it before anything that follows.
        case write(ExportRecord)
        /// Try to send a crash, and report the outcome.
        case send(ExportItem)
        /// Tell people, in a sentence.
        case tell(String)
    }

    /// An hour in milliseconds.
    static let hour: Int64 = 3_600_000
    /// How long a crash is tried, in milliseconds: a day.
    static let longestWait: Int64 = 24 * hour
    /// How long a crash waits for people, in milliseconds: a week.
    static let longestPause: Int64 = 7 * 24 * hour
    /// How long a crash waits because of a limit on minidumps only, in milliseconds.
    static let longestForMinidump = hour
    /// How often a crash, or the service, must have failed before a crash is given up, however old it is: the clock may have
    /// been wrong when it was queued.
    static let fewestTries = 10
    /// How long after a refusal that concerns every crash the next try begins, in milliseconds.
    static let pause: Int64 = 300_000
    /// The wait after a limit without a time, in milliseconds: Sentry's documentation asks for a minute.
    static let unknownLimit: Int64 = 60_000
    /// The most crashes that wait; the oldest beyond are skipped.
    static let mostWaiting = 10_000

    /// The crashes that wait, oldest first.
    private(set) var waiting: [ExportItem] = []
    /// Sessions whose crashes were going to be recorded and are not queued yet.
    private(set) var due = ByteSet()
    private(set) var service = ExportService()
    private(set) var totals = ExportTotals()
    /// The crash of the try in flight.
    private(set) var sending: String?
    /// The most crashes sent in an hour; nil while no service is configured: then nothing is sent.
    var perHour: Int?
    private var known = ByteSet()
    private let backoff: Backoff
    private let mostWaiting: Int
    private var generator: SplitMix64
    /// The latest time that was told (ms since 1970); nil before the first.
    private var latest: Int64?

    init(seed: UInt64, backoff: Backoff = Backoff(), mostWaiting: Int = ExportQueue.mostWaiting) {
        self.backoff = backoff
        self.mostWaiting = mostWaiting
        generator = SplitMix64(seed: seed)
    }

    // MARK: Input

    /// Queues a crash, unless it waits already.
    mutating func queue(_ item: ExportItem, now: Int64) -> [Action] {
        guard known.insert(item.crash).inserted else { return [] }
        waiting.append(item)
        var actions: [Action] = [.write(.queued(item))]
        while waiting.count > mostWaiting {
            // The one in flight may be taken in this moment.
            guard let oldest = waiting.first(where: { !isSending($0.crash) }) else { break }
            actions += skip(oldest, "more than \(mostWaiting) crashes waited", now: now)
        }
        return actions
    }

    /// Notes that a session's crashes are going to be recorded.
    mutating func willCommit(_ session: String) -> [Action] {
        due.insert(session).inserted ? [.write(.due(session: session))] : []
    }

    /// Notes that a session's crashes are queued.
    mutating func considered(_ session: String) -> [Action] {
        due.remove(session) != nil ? [.write(.considered(session: session))] : []
    }

    /// The configuration changed: what waited for people is tried again.
    mutating func reconfigured(now: Int64) -> [Action] {
        guard service.paused != nil else { return [] }
        service.next = now
        return [.write(.service(service, reason: nil, time: now))]
    }

    /// Begins a try if its time has come, and gives up what waited too long.
    mutating func advance(now: Int64) -> [Action] {
        followClock(now)
        let actions = expire(now)
        guard let (index, time, lacksMinidump) = nextTry(now: now), time <= now else { return actions }
        var item = waiting[index]
        if lacksMinidump { item.leaveOut("the service limits minidumps") }
        sending = item.crash
        return actions + [.send(item)]
    }

    /// Takes the outcome of a try.
    ///
    /// - Parameters:
    ///   - item: as ``advance(now:)`` gave it.
    ///   - limits: what the service announced with its answer.
    mutating func finished(
        _ item: ExportItem, _ outcome: SendOutcome, limits: [RateLimit] = [], now: Int64
    ) -> [Action] {
        guard isSending(item.crash) else { return [] }
        sending = nil
        let before = service
        for limit in limits { service.limits[limit.category] = now &+ min(limit.wait, RateLimit.longest) }
        for (category, until) in service.limits where until <= now { service.limits[category] = nil }
        let (actions, reason) = take(outcome, of: item, now: now)
        if let reason { note(reason, now) }
        guard service != before || reason != nil else { return actions }
        return [.write(.service(service, reason: reason, time: now))] + actions
    }

    /// Changes crash and service as an outcome says; returns why the try failed, nil if it did not.
    private mutating func take(
        _ outcome: SendOutcome, of item: ExportItem, now: Int64
    ) -> (actions: [Action], reason: String?) {
        var actions: [Action] = []
        var reason: String?
        switch outcome {
        case .sent(let minidump, let note):
            succeeded()
            actions = end(item, .sent, minidump: minidump, reason: note ?? item.leftOut, now: now)
        case .refused(let why), .gone(let why):
            // What is gone says nothing about the service.
            if case .refused = outcome { succeeded() }
            actions = skip(item, why, now: now) + [.tell("crash \(item.crash) is not sent: \(why)")]
        case .tooLarge(let why):
            succeeded()
            guard item.minidump else {
                actions = skip(item, why, now: now) + [.tell("crash \(item.crash) is not sent: \(why)")]
                break
            }
            actions = change(item, now: now) { $0.leaveOut(why) }
        case .failed(let why, let after):
            reason = why
            if service.failures == 0 { actions = [.tell("a crash was not sent, trying again: \(why)")] }
            service.failures += 1
            service.failed = now
            service.next = now &+ backoff.wait(failures: service.failures, asked: after, by: &generator)
            actions += postpone(item, asked: after, now: now)
        case .unreadable(let why):
            reason = why
            actions = postpone(item, asked: nil, now: now)
            if item.failures == 0 { actions.append(.tell("crash \(item.crash) cannot be read, trying again: \(why)")) }
        case .limited(let why):
            reason = why
            if service.limit(.error, now: now) == nil, service.limit(.attachment, now: now) == nil || !item.minidump {
                service.limits[.all] = now &+ Self.unknownLimit
            }
        case .paused(let why):
            reason = why
            if service.paused?.hasSameBytes(as: why) != true { actions = [.tell("no crash is sent: \(why)")] }
            service.paused = why
            service.failed = now
            service.next = now &+ Self.pause
        }
        return (actions, reason)
    }

    // MARK: State

    /// When ``advance(now:)`` has something to do next (ms since 1970); nil if only an input changes anything.
    func nextTime(now: Int64) -> Int64? {
        guard perHour != nil else { return waiting.first.map { $0.since &+ Self.longestWait } }
        return nextTry(now: now)?.time
    }

    /// Takes a record of the journal.
    mutating func replay(_ record: ExportRecord) {
        switch record {
        case .queued(let item):
            if known.insert(item.crash).inserted { waiting.append(item) }
        case .changed(let item, _):
            if let index = index(item.crash) { waiting[index] = item }
        case .ended(let entry): apply(entry)
        case .service(let service, let reason, let time):
            self.service = service
            if let reason { note(reason, time) }
        case .due(let session): due.insert(session)
        case .considered(let session): _ = due.remove(session)
        case .totals(let totals): self.totals = totals
        }
    }

    /// The shortest list of records that restores this state.
    var snapshot: [ExportRecord] {
        [.totals(totals), .service(service, reason: nil, time: service.failed ?? 0)]
            + waiting.map { .queued($0) } + due.map { .due(session: $0) }
    }

    /// The entries of the crashes that wait, of all sessions or of one.
    func entries(of session: String? = nil) -> [ExportEntry] {
        waiting.filter { session?.hasSameBytes(as: $0.session) ?? true }.map { item in
            ExportEntry(
                crash: item.crash, session: item.session, state: .waiting, time: item.since,
                reason: service.paused ?? (item.failures > 0 ? totals.lastError : nil) ?? item.leftOut)
        }
    }

    // MARK: -

    private func isSending(_ crash: String) -> Bool { sending?.hasSameBytes(as: crash) == true }

    private func index(_ crash: String) -> Int? { waiting.firstIndex { $0.crash.hasSameBytes(as: crash) } }

    /// The crash to be tried next, and when; nil if none waits, a try is in flight, or no service is configured.
    private func nextTry(now: Int64) -> (index: Int, time: Int64, lacksMinidump: Bool)? {
        guard let perHour, sending == nil, !waiting.isEmpty else { return nil }
        var base = max(service.next, service.limit(.error, now: now) ?? .min)
        let recent = totals.recent.filter { $0 > now &- Self.hour }
        if recent.count >= perHour { base = max(base, recent[recent.count - perHour] &+ Self.hour) }
        let files = service.limit(.attachment, now: now)
        var best: (index: Int, time: Int64, lacksMinidump: Bool)?
        for (index, item) in waiting.enumerated() {
            var time = max(base, item.next)
            var lacksMinidump = false
            if item.minidump, let files, files > time {
                let patience = item.since &+ Self.longestForMinidump
                lacksMinidump = patience < files
                time = max(time, min(patience, files))
            }
            if best.map({ time < $0.time }) ?? true { best = (index, time, lacksMinidump) }
            if time <= now { break }
        }
        return best
    }

    private mutating func succeeded() {
        service.failures = 0
        service.failed = nil
        service.paused = nil
        service.next = 0
    }

    private mutating func note(_ reason: String, _ now: Int64) {
        totals.failures += 1
        totals.lastError = reason
        totals.lastErrorTime = now
    }

    private mutating func change(_ item: ExportItem, now: Int64, _ body: (inout ExportItem) -> Void) -> [Action] {
        guard let index = index(item.crash) else { return [] }
        body(&waiting[index])
        return [.write(.changed(waiting[index], time: now))]
    }

    private mutating func postpone(_ item: ExportItem, asked: Int64?, now: Int64) -> [Action] {
        let next = now &+ backoff.wait(failures: item.failures + 1, asked: asked, by: &generator)
        return change(item, now: now) {
            $0.failures += 1
            $0.next = next
            $0.failed = now
        }
    }

    private mutating func skip(_ item: ExportItem, _ why: String, now: Int64) -> [Action] {
        end(item, .skipped, minidump: nil, reason: why, now: now)
    }

    private mutating func end(
        _ item: ExportItem, _ state: ExportEntry.State, minidump: Bool?, reason: String?, now: Int64
    ) -> [Action] {
        let entry = ExportEntry(
            crash: item.crash, session: item.session, state: state, time: now,
            event: state == .sent ? SentryEvent.id(session: item.session, crash: item.crash) : nil,
            minidump: minidump, reason: reason)
        apply(entry)
        return [.enter(entry), .write(.ended(entry))]
    }

    private mutating func apply(_ entry: ExportEntry) {
        guard let index = index(entry.crash) else { return }
        waiting.remove(at: index)
        _ = known.remove(entry.crash)
        guard entry.state == .sent else {
            totals.skipped += 1
            return
        }
        totals.sent += 1
        totals.lastSent = entry.time
        totals.lastError = nil
        totals.lastErrorTime = nil
        totals.recent.removeAll { $0 <= entry.time &- Self.hour }
        totals.recent.append(entry.time)
    }

    /// Gives up the crashes that waited too long while nothing could be sent, or that alone fail.
    private mutating func expire(_ now: Int64) -> [Action] {
        let isFailing = service.failures >= Self.fewestTries
        let isLimited = service.limit(.error, now: now) != nil
        let old = waiting.filter { item in
            guard !isSending(item.crash) else { return false }
            let age = now &- item.since
            if age >= Self.longestPause, isLimited || service.paused != nil { return true }
            guard age >= Self.longestWait, !isLimited, service.paused == nil else { return false }
            return perHour == nil || isFailing || item.failures >= Self.fewestTries
        }
        guard !old.isEmpty else { return [] }
        let last = totals.lastError.map { "; last: \($0)" } ?? ""
        let why =
            perHour == nil
            ? "the export is no longer configured"
            : "not sent within a \(isLimited || service.paused != nil ? "week" : "day")\(last)"
        var actions: [Action] = []
        for item in old { actions += skip(item, why, now: now) }
        return actions + [.tell("\(counted(old.count, "crash", "crashes")) not sent: \(why)")]
    }

    /// Moves times that lie ahead to now, if the clock went back or may have done so before a restart.
    private mutating func followClock(_ now: Int64) {
        defer { latest = now }
        guard latest.map({ now < $0 }) ?? true else { return }
        service.followClock(now, before: latest)
        totals.recent = totals.recent.map { min($0, now) }
        for index in waiting.indices {
            if waiting[index].since > now { waiting[index].since = now }
            guard let failed = waiting[index].failed, failed > now else { continue }
            waiting[index].next = now &+ max(0, waiting[index].next &- failed)
            waiting[index].failed = now
        }
    }
}
