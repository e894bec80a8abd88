import CProcess
import Clocks
import Dispatch
import Files
import Glibc
import SalvageConfiguration
import Text

/// Runs a program for each message: no shell, the JSON on standard input, few variables, killed with its process group when
/// it takes too long.
struct CommandDelivery: Sendable {
    /// The variables that a program gets if they are set; never the API token.
    static let variables = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"]
    /// The most bytes of its output that are kept.
    private static let mostWords = 600

    /// Runs the program once, on a thread that may block.
    func deliver(
        _ message: OutboxMessage, to channel: Configuration.Notifications.Channel, environment: [String: String]
    ) async -> DeliveryOutcome {
        let body = EventsJSON.body(message)
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: run(channel, body, message.id, environment))
            }
        }
    }

    private func run(
        _ channel: Configuration.Notifications.Channel, _ body: [UInt8], _ id: String, _ environment: [String: String]
    ) -> DeliveryOutcome {
        guard let program = channel.command.first else { return .refused(reason: "the channel has no command") }
        var ends: [Int32] = [-1, -1]
        guard salvage_drained_pipe(&ends) == 0 else {
            return .failed(reason: "cannot make a pipe: \(FileFailure.reason(errno))")
        }
        defer { close(ends[0]) }
        let child: pid_t
        do throws(FileFailure) {
            defer { close(ends[1]) }
            // A file instead of a pipe: a program that does not read its input keeps nobody waiting.
            let input = try Descriptor.inMemory("salvage-events")
            defer { close(input) }
            try Descriptor.write(input, body)
            guard lseek(input, 0, SEEK_SET) == 0 else { throw .last("lseek", "") }
            var variables = environment.filter { Self.variables.contains($0.key) }
            variables["SALVAGE_CHANNEL"] = channel.name
            variables["SALVAGE_MESSAGE_ID"] = id
            child = try Self.spawn(channel.command, variables, input: input, output: ends[1])
        } catch {
            return .failed(reason: "cannot start \(Escape.display(program)): \(error.reason)")
        }
        let limit = TryLimit(channel)
        let (status, words) = Self.wait(for: child, limit.milliseconds, words: ends[0])
        let said = words.isEmpty ? "" : ": " + words
        guard let status else {
            return .failed(reason: "the program ran longer than \(limit.words) and was killed\(said)")
        }
        if status & 0x7F != 0 { return .failed(reason: "the program was killed by signal \(status & 0x7F)\(said)") }
        let code = status >> 8 & 0xFF
        return code == 0 ? .delivered(answer: "exit code 0\(said)") : .failed(reason: "exit code \(code)\(said)")
    }

    private static func spawn(
        _ words: [String], _ variables: [String: String], input: Int32, output: Int32
    ) throws(FileFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        salvage_spawn_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        salvage_spawn_plain_signals(&attributes)
        var flags: Int16 = 0
        posix_spawnattr_getflags(&attributes, &flags)
        posix_spawnattr_setflags(&attributes, flags | Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var child: pid_t = 0
        let error = posix_spawn(&child, words[0], &actions, &attributes, &arguments, &environment)
        guard error == 0 else { throw FileFailure("start", words[0], errno: error) }
        return child
    }

    /// Waits for the program and reads what it says; returns its wait status, nil if it was killed for its time.
    private static func wait(for child: pid_t, _ limit: Int64, words: Int32) -> (status: Int32?, words: String) {
        let watch = salvage_pidfd_open(child)
        defer { if watch >= 0 { close(watch) } }
        let end = MonotonicClock.milliseconds() + limit
        var kept: [UInt8] = []
        var isOpen = true
        var status: Int32 = 0
        while true {
            let left = end - MonotonicClock.milliseconds()
            if left <= 0 {
                kill(-child, SIGKILL)
                kill(child, SIGKILL)
                break
            }
            var events = [
                pollfd(fd: watch, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isOpen ? words : -1, events: Int16(POLLIN), revents: 0),
            ]
            // Without a pidfd, look again every tenth of a second.
            _ = poll(&events, 2, Int32(clamping: watch >= 0 ? left : min(left, 100)))
            if isOpen { isOpen = Self.drain(words, into: &kept) }
            let reaped = waitpid(child, &status, WNOHANG)
            if reaped == child {
                if isOpen { _ = Self.drain(words, into: &kept) }
                return (status, Self.shown(kept))
            }
            if reaped < 0, errno != EINTR { return (nil, Self.shown(kept)) }
        }
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        if isOpen { _ = Self.drain(words, into: &kept) }
        return (nil, Self.shown(kept))
    }

    /// Reads what is available, at most a pipe's capacity; returns false at the end.
    private static func drain(_ descriptor: Int32, into kept: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<16 {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                kept += chunk[..<count].prefix(max(0, mostWords - kept.count))
            } else {
                return count < 0 && (errno == EAGAIN || errno == EINTR)
            }
        }
        return true
    }

    private static func shown(_ bytes: [UInt8]) -> String {
        var bytes = bytes[...]
        while let last = bytes.last, last == 0x0A || last == 0x20 || last == 0x0D { bytes.removeLast() }
        return MessageCut.utf16(Escape.display(bytes), most: 300)
    }
}
