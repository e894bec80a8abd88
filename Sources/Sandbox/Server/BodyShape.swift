import Clocks
import Glibc
import Hummingbird
import NIOCore

/// What faults do to a response body.
struct BodyShape: Sendable {
    var cutAt: Int?
    var ending: Faults.Ending
    var stallAt: Int?
    var stallSeconds: Double?
    var bytesPerSecond: Int?
    /// True when Content-Length was sent. A clean early end is then impossible and becomes `close`.
    var announced = false

    init(_ faults: Faults, operation: Operation) {
        let operations = faults.bodyOperations ?? [Operation.artifacts.rawValue]
        let applies = operations.contains(operation.rawValue) || operations.contains("*")
        cutAt = applies ? faults.cutAt : nil
        ending = faults.cutEnding ?? .close
        stallAt = applies ? faults.stallAt : nil
        stallSeconds = faults.stallSeconds
        bytesPerSecond = applies ? faults.bytesPerSecond : nil
        if operation == .artifacts, faults.oversize == .cut {
            cutAt = min(cutAt ?? .max, BodyShape.oversize)
        }
    }

    /// The largest download that the API recommends, in bytes.
    static let oversize = 100_000_000
}

/// Thrown to leave a body incomplete; Hummingbird then closes the connection.
private struct Unfinished: Error {}

/// Sends a body as its faults shape it.
struct BodyShaper {
    private let shape: BodyShape
    private let channel: any Channel
    private var sent = 0
    private var stalled = false

    init(_ shape: BodyShape, channel: any Channel) {
        self.shape = shape
        self.channel = channel
    }

    /// - Returns: false when the body ends here, whatever remains.
    mutating func write(_ buffer: ByteBuffer, to writer: inout any ResponseBodyWriter) async throws -> Bool {
        var rest = buffer
        while rest.readableBytes > 0 {
            var size = rest.readableBytes
            if let stallAt = shape.stallAt, !stalled {
                if sent >= stallAt {
                    stalled = true
                    try await stall()
                } else {
                    size = min(size, stallAt - sent)
                }
            }
            if let cutAt = shape.cutAt {
                if sent >= cutAt { return try await cut() }
                size = min(size, cutAt - sent)
            }
            if let pace = shape.bytesPerSecond, pace > 0 {
                size = min(size, max(1, pace / 10))
                try await Task.sleep(for: .milliseconds(1000 * size / pace))
            }
            guard let piece = rest.readSlice(length: size) else { break }
            try await writer.write(piece)
            sent += size
        }
        return true
    }

    /// Waits for the time of the stall, but stops when the client disconnects.
    private func stall() async throws {
        let end = shape.stallSeconds.map { WallClock.now() + SandboxConfiguration.milliseconds($0) } ?? .max
        while WallClock.now() < end {
            guard channel.isActive else { throw Unfinished() }
            try await Task.sleep(for: .milliseconds(Int64(min(100, max(1, end &- WallClock.now())))))
        }
    }

    private func cut() async throws -> Bool {
        if shape.ending == .clean, !shape.announced { return false }
        // Let the bytes written so far be sent before the connection is closed.
        for _ in 0..<100 {
            try await Task.sleep(for: .milliseconds(20))
            if channel.isWritable || !channel.isActive { break }
        }
        if shape.ending == .reset, let socket = channel as? any SocketOptionProvider {
            try? await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            try? await channel.close()
        }
        throw Unfinished()
    }
}
