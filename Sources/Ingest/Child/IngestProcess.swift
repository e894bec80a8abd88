import CProcess
import Clocks
import Dispatch
import FoundationEssentials
import Glibc
import Model
import Pack

/// Runs ingests in child processes, so that bytes from a crashed or hostile program can cost one artifact at most,
/// never the daemon.
///
/// The child is the same executable under a hidden command. It inherits the downloads and the new pack as open
/// descriptors and nothing else. The job and the answer are passed in anonymous memory files.
public struct IngestProcess: Sendable {
    /// The hidden command's name.
    public static let command = "__ingest"

    /// The descriptor numbers of the child's files.
    enum Slot {
        static let job: Int32 = 0
        static let answer: Int32 = 1
        static let words: Int32 = 2
        static let pack: Int32 = 3
        static let previous: Int32 = 4
        static let scratch: Int32 = 5
        static let tables: Int32 = 6
        static let filters: Int32 = 7
        static let firstInput: Int32 = 8
    }

    private let executable: String
    private let measures: Bool

    /// Runs children of `executable`, by default the program itself. With `measures`, they report their peak memory.
    public init(executable: String = "/proc/self/exe", measures: Bool = false) {
        self.executable = executable
        self.measures = measures
    }

    /// Runs `job` and returns the child's answer. Waits without blocking a thread of the concurrency pool.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - inputs: the downloads, in the order of the job's inputs, open for reading.
    ///   - previous: the session's current pack, if the job has one.
    ///   - further: more packs of the session, as many as the job says.
    ///   - pack: the new pack, empty, open for reading and writing. The caller syncs and publishes it.
    ///   - scratch: an empty file, open for reading and writing, if the job has one.
    ///   - tables: another such file, if the job has one.
    ///   - filters: another such file for the record of the pack's filters, if the job names the pack's path.
    /// - Throws: ``IngestError`` when the child cannot be started, crashes, is killed or runs out of time, or when the
    ///   pack cannot be written. Damage within an artifact is not an error but a verdict.
    public func run(
        _ job: IngestJob, inputs: [Int32], previous: Int32?, further: [Int32] = [], pack: Int32, scratch: Int32? = nil,
        tables: Int32? = nil, filters: Int32? = nil
    ) async throws -> IngestAnswer {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        try wait(
                            job, inputs: inputs, previous: previous, further: further, pack: pack, scratch: scratch,
                            tables: tables, filters: filters)
                    })
            }
        }
    }

    /// Does the same as ``run(_:inputs:previous:further:pack:scratch:tables:filters:)`` on the calling thread, and blocks it.
    public func wait(
        _ job: IngestJob, inputs: [Int32], previous: Int32?, further: [Int32] = [], pack: Int32, scratch: Int32? = nil,
        tables: Int32? = nil, filters: Int32? = nil
    ) throws -> IngestAnswer {
        var job = job
        job.measuresMemory = measures
        let patience = job.limits.unpack.time
        let most = Self.mostTime(patience, files: inputs + [previous].compactMap { $0 } + further)
        job.milliseconds = most
        let progress = ChildProgress(reading: inputs, writing: [pack] + [scratch, tables, filters].compactMap { $0 })
        let question = try MemoryFile.question(try JSONEncoder().encode(job))
        let reply = try MemoryFile.answer()
        let words = try ChildWords()
        var slots: [(from: Int32, to: Int32)] = [
            (question.descriptor, Slot.job), (reply.descriptor, Slot.answer), (words.writing, Slot.words),
            (pack, Slot.pack),
        ]
        if let previous { slots.append((previous, Slot.previous)) }
        if let scratch { slots.append((scratch, Slot.scratch)) }
        if let tables { slots.append((tables, Slot.tables)) }
        if let filters { slots.append((filters, Slot.filters)) }
        for (index, input) in (inputs + further).enumerated() { slots.append((input, Slot.firstInput + Int32(index))) }
        let child = try spawn(Self.command, slots)
        let status = try reap(
            child, words, ChildDeadline(patience: patience, most: most, now: MonotonicClock.milliseconds()), progress,
            doing: "the ingest of session \(job.session.session)")
        let answer = try? JSONDecoder().decode(IngestAnswer.self, from: reply.content(limit: Self.mostAnswer))
        guard let answer else { throw death(status, words) }
        let checked = try answer.checked(for: job)
        guard status == 0 else { throw death(status, words) }
        return checked
    }

    /// The minimum speed expected of a child, in bytes per second, even on a slow machine.
    private static let slowest: Int64 = 256 << 10

    /// Returns how long a child may take while it makes progress, in milliseconds; grows with the size of its files.
    static func mostTime(_ patience: Int64, files: [Int32]) -> Int64 {
        var bytes: Int64 = 0
        for file in files {
            var facts = stat()
            if fstat(file, &facts) == 0 { bytes &+= max(0, Int64(facts.st_size)) }
        }
        return 4 &* patience &+ bytes / slowest &* 1000
    }

    /// The maximum length of an ingest's answer, in bytes. A verdict takes a few hundred bytes per download.
    private static let mostAnswer = 16 << 20

    func death(_ status: Int32, _ words: ChildWords) -> IngestError {
        let said = words.told.map { "; it said: \($0)" } ?? ""
        let signal = status & 0x7F
        guard signal != 0 else {
            return IngestError(
                .noAnswer, "the confined process exited with code \((status >> 8) & 0xFF) and no answer\(said)")
        }
        let name = strsignal(signal).map { String(cString: $0) } ?? "signal \(signal)"
        if Self.crashSignals.contains(signal) {
            return IngestError(.died, "the confined process was killed: \(name)\(said)")
        }
        let cause = signal == SIGKILL ? ", as the kernel does when memory is short" : ""
        return IngestError(.killed, "the confined process was killed from outside: \(name)\(cause)\(said)")
    }

    /// The signals that a process causes itself. SIGKILL is not among them: we send it only when time is up.
    private static let crashSignals: Set<Int32> = [
        SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGXCPU,
    ]

    /// Starts the child with exactly the descriptors in `slots`; missing standard streams are opened on `/dev/null`.
    /// The environment is empty except for the C locale and a setting that keeps Swift's backtracer from starting
    /// inside the confinement.
    func spawn(_ command: String, _ slots: [(from: Int32, to: Int32)]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Move sources out of the range of the targets first: one dup2 could overwrite another's source.
        var parked: [Int32] = []
        defer { for descriptor in parked { close(descriptor) } }
        let behind = (slots.map(\.to).max() ?? 2) + 1
        for slot in slots {
            if slot.from >= behind {
                posix_spawn_file_actions_adddup2(&actions, slot.from, slot.to)
                continue
            }
            let copy = fcntl(slot.from, F_DUPFD_CLOEXEC, behind)
            guard copy >= 0 else {
                throw IngestError(.spawn, "cannot pass a file to the confined process: \(reason())")
            }
            parked.append(copy)
            posix_spawn_file_actions_adddup2(&actions, copy, slot.to)
        }
        let used = Set(slots.map(\.to))
        for stream: Int32 in 0..<3 where !used.contains(stream) {
            posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
        }
        let end = max((used.max() ?? 2) + 1, Slot.firstInput)
        for number in 3..<end where !used.contains(number) { posix_spawn_file_actions_addclose(&actions, number) }
        salvage_spawn_close_from(&actions, end)
        let words: [String] = ["salvage-ingest", command]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        let settings: [String] = ["SWIFT_BACKTRACE=enable=no", "LC_ALL=C"]
        var environment: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        salvage_spawn_plain_signals(&attributes)
        var child: pid_t = 0
        let error = posix_spawn(&child, executable, &actions, &attributes, &arguments, &environment)
        guard error == 0 else {
            throw IngestError(.spawn, "cannot start the confined process: \(String(cString: strerror(error)))")
        }
        return child
    }

    /// Waits for the child, reads its standard error meanwhile, and kills it when its time is up; returns its wait
    /// status.
    func reap(
        _ child: pid_t, _ words: ChildWords, _ deadline: ChildDeadline, _ progress: ChildProgress? = nil,
        doing work: String
    ) throws(IngestError) -> Int32 {
        words.closeWriting()
        let watch = salvage_pidfd_open(child)
        defer { if watch >= 0 { close(watch) } }
        var deadline = deadline
        // Processor time used before the last progress says nothing about the time since.
        var usedBefore: Int64 = 0
        var hindrance: String?
        let isLate = !Self.wait(for: child, watch, words) { now in
            if progress?.hasMoved() == true {
                deadline.move(now)
                usedBefore = ChildActivity(of: child).used
            }
            return deadline.wait(now)
        }
        let end = MonotonicClock.milliseconds()
        if isLate {
            hindrance = ChildActivity(of: child).hindrance(limit: deadline.patience, usedBefore: usedBefore)
            kill(child, SIGKILL)
        }
        var status: Int32 = 0
        var usage = rusage()
        while wait4(child, &status, 0, &usage) < 0 {
            guard errno == EINTR else {
                throw IngestError(.noAnswer, "cannot wait for the confined process: \(reason())")
            }
        }
        words.drain()
        let said = words.told.map { "; it said: \($0)" } ?? ""
        if isLate { throw Self.lateness(work, deadline, progress != nil, hindrance, said, at: end) }
        // The kernel sends SIGKILL at the hard limit of processor time.
        let used = Int64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        if status & 0x7F == SIGKILL, used >= Confinement.processorSeconds(deadline.most) - 1 {
            throw IngestError(
                deadline.isMoving(end) ? .stalled : .timedOut,
                "\(work) used \(used) s of CPU time and was stopped\(said)")
        }
        return status
    }

    /// Makes the error for a child that was stopped. Only a child without progress that the machine did not hinder is
    /// `timedOut`, which suspects its input.
    private static func lateness(
        _ work: String, _ deadline: ChildDeadline, _ hasProgress: Bool, _ hindrance: String?, _ said: String,
        at end: Int64
    ) -> IngestError {
        if deadline.isMoving(end) {
            return IngestError(
                .stalled,
                "\(work) made progress, but took more than \(span(deadline.most)) and was stopped: this machine "
                    + "is too slow or too busy")
        }
        let text =
            hasProgress
            ? "\(work) made no progress for \(span(deadline.patience)) and was stopped"
            : "\(work) took more than \(span(deadline.patience)) and was stopped"
        return hindrance.map { IngestError(.stalled, "\(text): \($0)") } ?? IngestError(.timedOut, text + said)
    }

    /// Returns true when the child has ended, false when its time is up. `left` returns the milliseconds until it must
    /// be called again; 0 means that the time is up.
    private static func wait(
        for child: pid_t, _ watch: Int32, _ words: ChildWords, left: (_ now: Int64) -> Int64
    ) -> Bool {
        while true {
            // poll() ignores negative descriptors.
            var events = [
                pollfd(fd: watch, events: Int16(POLLIN), revents: 0),
                pollfd(fd: words.reading, events: Int16(POLLIN), revents: 0),
            ]
            let pause = left(MonotonicClock.milliseconds())
            // Without a pidfd, poll for the child's end.
            let ready = poll(&events, nfds_t(events.count), Int32(clamping: watch >= 0 ? pause : min(pause, 5)))
            if ready < 0, errno == EINTR { continue }
            if ready > 0, events[1].revents != 0 { words.drain() }
            if watch >= 0 ? ready > 0 && events[0].revents != 0 : hasEnded(child) { return true }
            if pause == 0 || (ready < 0 && watch >= 0) { return false }
        }
    }

    private static func hasEnded(_ child: pid_t) -> Bool {
        var facts = siginfo_t()
        let options = WEXITED | WNOHANG | WNOWAIT
        return waitid(P_PID, id_t(child), &facts, options) != 0 || facts._sifields._sigchld.si_pid != 0
    }

    private static func span(_ milliseconds: Int64) -> String {
        milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}

/// Returns the C library's text for `errno`.
func reason() -> String { String(cString: strerror(errno)) }
