import Files
import JSON
import Tar

/// An envelope with an event and, maybe, its minidump, compressed with gzip
/// (https://develop.sentry.dev/sdk/foundations/transport/envelopes/).
struct SentryEnvelope {
    /// Why an envelope cannot be made.
    enum Problem: Error, Sendable, Equatable {
        /// The minidump is too large for Sentry; a sentence.
        case tooLarge(String)
        /// The minidump cannot be read; a sentence.
        case unreadable(String)

        /// The sentence.
        var reason: String {
            switch self {
            case .tooLarge(let reason), .unreadable(let reason): reason
            }
        }
    }

    /// What Sentry takes (https://docs.sentry.io/concepts/data-management/size-limits/).
    struct Limits: Sendable, Equatable {
        /// The largest minidump, in bytes.
        var minidump: UInt64 = 100_000_000
        /// The largest compressed request, in bytes.
        var request = 20_000_000
    }

    /// The value of the header `Content-Type`.
    static let contentType = "application/x-sentry-envelope"

    /// Makes an envelope.
    ///
    /// - Parameters:
    ///   - id: the event's id.
    ///   - event: the event as JSON.
    ///   - minidump: is read once, piece by piece; only its compressed form is in memory.
    static func gzip(
        id: String, event: [UInt8], minidump: Minidump?, limits: Limits = Limits()
    ) throws(Problem) -> [UInt8] {
        if let minidump, minidump.size > limits.minidump {
            throw .tooLarge("it has \(minidump.size) bytes, and Sentry takes at most \(limits.minidump)")
        }
        let stream: GzipStream
        do throws(FileFailure) { stream = try GzipStream(level: 6) } catch {
            throw .unreadable("the request cannot be compressed: \(error.reason)")
        }
        var body = stream.compressed(head(id: id, event: event))
        if let minidump {
            body += stream.compressed(header(of: minidump))
            try append(minidump, stream, limits, to: &body)
            body += stream.compressed([0x0A])
        }
        body += stream.compressed([], last: true)
        if minidump != nil, body.count > limits.request { throw tooLong(limits) }
        return body
    }

    /// The envelope's header, and the event with its own.
    private static func head(id: String, event: [UInt8]) -> [UInt8] {
        var line = JSONLine()
        line.add("event_id", id)
        var item = JSONLine()
        item.add("type", "event")
        item.add("length", event.count)
        item.add("content_type", "application/json")
        return line.utf8 + [0x0A] + item.utf8 + [0x0A] + event + [0x0A]
    }

    private static func header(of minidump: Minidump) -> [UInt8] {
        var item = JSONLine()
        item.add("type", "attachment")
        item.add("length", minidump.size)
        item.add("attachment_type", "event.minidump")
        item.add("content_type", "application/x-dmp")
        item.add("filename", TextLimit.tag(minidump.name) ?? "minidump.dmp")
        return item.utf8 + [0x0A]
    }

    private static func append(
        _ minidump: Minidump, _ stream: GzipStream, _ limits: Limits, to body: inout [UInt8]
    ) throws(Problem) {
        var read: UInt64 = 0
        do {
            try minidump.read { piece in
                read += UInt64(piece.count)
                guard read <= minidump.size else { return }
                body += stream.compressed(piece)
                if body.count > limits.request { throw tooLong(limits) }
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .unreadable("it cannot be read: \(error)")
        }
        // A length that differs from its header's would make the server read the envelope wrongly.
        guard read == minidump.size else {
            throw .unreadable("it has \(read) bytes where \(minidump.size) were expected")
        }
    }

    private static func tooLong(_ limits: Limits) -> Problem {
        .tooLarge("compressed it has more than the \(limits.request) bytes that Sentry takes")
    }
}
