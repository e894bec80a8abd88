import Bytes
import Calendar
import Digest
import JSON
import Model

/// The event of a crash as Sentry takes it (https://develop.sentry.dev/sdk/foundations/transport/event-payloads/).
///
/// Everything that a container wrote is data: each text has a limit, and an event that is larger than
/// ``mostBytes`` is made again with less until it fits.
struct SentryEvent {
    /// The largest event, in bytes (https://docs.sentry.io/concepts/data-management/size-limits/; the limit is on the
    /// compressed event, so this is on the safe side).
    static let mostBytes = 200_000

    /// How much of a crash goes into its event.
    struct Detail: Sendable, Equatable {
        /// The most frames of the crashed thread.
        var frames: Int
        /// The most other threads, and frames of each.
        var threads: Int
        /// The most modules.
        var modules: Int
        /// The most bytes of a long text, such as a message.
        var text: Int

        /// From all to almost nothing.
        static let levels = [
            Detail(frames: 250, threads: 50, modules: 400, text: 8192),
            Detail(frames: 200, threads: 10, modules: 150, text: 4096),
            Detail(frames: 120, threads: 0, modules: 60, text: 2048),
            Detail(frames: 50, threads: 0, modules: 20, text: 1024),
            Detail(frames: 10, threads: 0, modules: 5, text: 256),
            Detail(frames: 0, threads: 0, modules: 0, text: 128),
        ]
    }

    private let crash: ExportedCrash
    private let environment: String?
    private let client: (name: String, version: String)

    /// - Parameter client: name and version of the sender.
    init(_ crash: ExportedCrash, environment: String?, client: (name: String, version: String)) {
        self.crash = crash
        self.environment = environment
        self.client = client
    }

    /// The event's id: 32 hexadecimal digits, made from session and crash, so that a crash that is sent twice is one event.
    static func id(session: String, crash: String) -> String {
        Hex.text(SHA256.digest("salvage event\0\(session)\0\(crash)".utf8).prefix(16))
    }

    /// The event's id.
    var id: String { Self.id(session: crash.session, crash: crash.record.crash) }

    /// The event as JSON, at most `most` bytes; nil if even its least form is longer.
    func json(most: Int = mostBytes) -> [UInt8]? {
        for detail in Detail.levels {
            let bytes = json(detail)
            if bytes.count <= most { return bytes }
        }
        return nil
    }

    private func json(_ detail: Detail) -> [UInt8] {
        let record = crash.record
        var line = JSONLine()
        line.add("event_id", id)
        // A time that is no time is left out: Sentry then takes that of arrival.
        line.add("timestamp", record.time.flatMap { ISO8601.milliseconds($0) }.flatMap { ISO8601.text($0) })
        line.add("platform", "native")
        line.add("level", record.isCrash ? "fatal" : "error")
        line.add("logger", "salvage")
        line.add("server_name", TextLimit.tag(crash.host))
        line.add("release", TextLimit.release(image: record.image ?? "", tag: record.tag))
        line.add("environment", environment)
        line.add("transaction", TextLimit.tag(record.executable))
        line.add("sdk") { sdk in
            sdk.add("name", client.name)
            sdk.add("version", client.version)
        }
        line.add("fingerprint", [TextLimit.cut(crash.signature, 1024)])
        addTags(&line)
        addContexts(&line, detail)
        let stack = SentryStack(record, detail)
        line.add("exception") { $0.add("values", [exception(stack, detail)]) }
        if record.thread != nil || detail.threads > 0 {
            line.add("threads") { $0.add("values", stack.threads) }
        }
        line.add("debug_meta") { $0.add("images", stack.images) }
        return line.utf8
    }

    private func exception(_ stack: SentryStack, _ detail: Detail) -> JSONLine {
        let record = crash.record
        var value = JSONLine()
        let type = record.exception ?? record.signal ?? record.cause?.exception ?? record.kind
        value.add("type", TextLimit.cut(type, 200))
        let message = record.message ?? record.cause?.message ?? crash.signature
        value.add("value", TextLimit.cut(message, detail.text))
        value.add("thread_id", record.thread)
        value.add("mechanism") { mechanism in
            mechanism.add("type", TextLimit.cut(record.kind, 64))
            mechanism.add("handled", !record.isCrash)
            mechanism.add("data") { data in
                data.add("signal", record.signal.map { TextLimit.cut($0, 64) })
                data.add("address", record.address?.description)
                data.add("access", record.access.map { TextLimit.cut($0, 64) })
            }
        }
        value.add("stacktrace", stack.crashed)
        return value
    }

    private func addTags(_ line: inout JSONLine) {
        let record = crash.record
        let tags: [(String, String?)] = [
            ("session", crash.session), ("image", record.image), ("build", record.tag), ("region", record.location),
            ("signature", crash.signature), ("crash", record.crash), ("kind", record.kind), ("signal", record.signal),
        ]
        line.add("tags") { object in
            for (name, value) in tags { object.add(name, TextLimit.tag(value)) }
        }
    }

    private func addContexts(_ line: inout JSONLine, _ detail: Detail) {
        let record = crash.record
        func short(_ text: String?) -> String? { text.map { TextLimit.cut($0, min(detail.text, 1024)) } }
        line.add("contexts") { contexts in
            if let os = record.os {
                contexts.add("os") { context in
                    context.add("type", "os")
                    context.add("name", short(os))
                }
            }
            if let arch = record.arch {
                contexts.add("device") { context in
                    context.add("type", "device")
                    context.add("arch", short(arch))
                }
            }
            // The command line is left out: it may have secrets that the program was started with.
            contexts.add("salvage") { context in
                context.add("session", short(crash.session))
                context.add("crash", short(record.crash))
                context.add("signature", short(crash.signature))
                context.add("signature_quality", record.signatureQuality.rawValue)
                context.add("stack_hash", short(record.stackHash))
                context.add("member", short(record.member))
                context.add("link", short(crash.link))
                context.add("pid", record.pid)
                context.add("thread_count", record.threadCount)
                context.add("notes", record.notes.prefix(10).map { TextLimit.cut($0, min(detail.text, 300)) })
            }
        }
    }
}
