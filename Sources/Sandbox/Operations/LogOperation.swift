import Clocks
import Files
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore

// The standard output and error of a session.
extension SandboxService {
    func logs(_ call: Call) throws -> Response {
        var query = call.query
        guard let id = query.identifier("id") else { throw APIError.unnamed("id") }
        guard let view = view(id), view.removed == nil else { throw APIError.session(id) }
        let follow = query.flag("follow")
        try query.close()
        var source: any LogSource
        if let session = registry.session(id) {
            source = FileLog(path: session.folder.log)
        } else if let fleet {
            source = FleetLogSource(fleet: fleet, session: id)
        } else {
            throw APIError.session(id)
        }
        if view.isOver {
            switch call.faults.logsAfterExit ?? .serve {
            case .serve: break
            case .notFound: throw APIError.session(id)
            case .empty: source = NoLog()
            }
        }
        let sender = LogSender(
            service: self, session: id, source: source, follow: follow, faults: call.faults, channel: call.channel)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init { writer in
                try await sender.send(to: &writer)
                try await writer.finish(nil)
            })
    }
}

/// A log that grows.
protocol LogSource: Sendable {
    /// Returns output since the last call; nil when there is none.
    mutating func next() async throws -> ByteBuffer?
    /// How long to wait before the next call.
    var pause: Duration { get }
}

/// Sends a log to one reader.
private struct LogSender: Sendable {
    let service: SandboxService
    let session: String
    var source: any LogSource
    let follow: Bool
    let faults: Faults
    let channel: any Channel

    func send(to writer: inout any ResponseBodyWriter) async throws {
        var source = source
        var shaper = BodyShaper(BodyShape(faults, operation: .logs), channel: channel)
        var frames = DockerFrames()
        while true {
            // Checked before reading, so that output written just before the end is not missed.
            let over = service.isOver(session)
            var silent = true
            while let buffer = try await source.next() {
                silent = false
                let framed = faults.dockerFrames == true ? frames.wrap(buffer) : buffer
                if try await !shaper.write(framed, to: &writer) { return }
            }
            if !follow { break }
            if over, faults.followHangs != true { break }
            if silent, !channel.isActive { return }
            try await Task.sleep(for: source.pause)
        }
        if faults.dockerFrames == true, let last = frames.finish() { _ = try await shaper.write(last, to: &writer) }
    }
}

/// The output of a real process, read from its file.
private struct FileLog: LogSource {
    let path: String
    var position = 0
    let pause = Duration.milliseconds(50)

    init(path: String) { self.path = path }

    mutating func next() async throws -> ByteBuffer? {
        let (path, position) = (path, position)
        let bytes: [UInt8] = try await SandboxService.blocking {
            do throws(FileFailure) {
                let descriptor = try Descriptor.open(path, O_RDONLY)
                defer { close(descriptor) }
                return try Descriptor.read(descriptor, at: UInt64(position), count: 64 * 1024, path: path)
            } catch {
                // Removed while being read: there is no more output.
                if error.errno == ENOENT { return [] }
                // Throwing truncates the response, so that the reader knows it is not complete.
                throw SandboxError("cannot \(error)")
            }
        }
        self.position += bytes.count
        return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
    }
}

/// The output of a synthetic session.
private struct FleetLogSource: LogSource {
    let fleet: FleetStore
    let session: String
    var line = 0

    var pause: Duration { .milliseconds(Int64(max(50, 1000 / max(fleet.linesPerSecond, 0.1)))) }

    mutating func next() async throws -> ByteBuffer? {
        guard let log = fleet.log(session) else { return nil }
        let count = log.count(at: WallClock.now())
        guard line < count else { return nil }
        let upper = min(count, line + 500)
        let text = log.lines(line..<upper)
        line = upper
        return ByteBuffer(string: text)
    }
}

private struct NoLog: LogSource {
    let pause = Duration.milliseconds(50)
    func next() -> ByteBuffer? { nil }
}

/// Docker's framing of a log without a terminal: stream, three zeros, big-endian length, then a line. The real stream
/// of a line is unknown here; lines that contain `Error:` are framed as standard error.
private struct DockerFrames {
    private var partial = ByteBuffer()

    mutating func wrap(_ buffer: ByteBuffer) -> ByteBuffer {
        var framed = ByteBuffer()
        var input = buffer
        partial.writeBuffer(&input)
        while let end = partial.readableBytesView.firstIndex(of: 0x0a) {
            guard let line = partial.readSlice(length: end - partial.readerIndex + 1) else { break }
            Self.frame(line, into: &framed)
        }
        partial.discardReadBytes()
        return framed
    }

    mutating func finish() -> ByteBuffer? {
        guard partial.readableBytes > 0 else { return nil }
        var framed = ByteBuffer()
        Self.frame(partial, into: &framed)
        return framed
    }

    private static func frame(_ line: ByteBuffer, into framed: inout ByteBuffer) {
        var line = line
        let isError = String(buffer: line).contains("Error:")
        framed.writeBytes([isError ? 2 : 1, 0, 0, 0])
        framed.writeInteger(UInt32(line.readableBytes))
        framed.writeBuffer(&line)
    }
}
