internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// A piece of a response body, as it came from the network.
public struct BodyChunk: Sendable {
    let buffer: ByteBuffer

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    /// Number of bytes.
    public var count: Int { buffer.readableBytes }

    /// Lends the bytes; they are valid during the call only.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome: Swift.Result<Result, Failure> = buffer.withUnsafeReadableBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// A copy of the bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}

/// What a response says about its body before the body comes.
public struct BodyHead: Sendable, Equatable {
    /// How the end of a body is recognised.
    public enum Framing: Sendable, Equatable {
        /// The server announced this many bytes; fewer are an error.
        case length(Int64)
        /// Chunked transfer coding; a missing last chunk is an error.
        case chunked
        /// The end of the connection is the end of the body: nothing tells a complete body from a cut one.
        case untilClose
    }

    /// HTTP status.
    public var status: Int
    /// The server's word for what the body is; servers disagree about archives, so look at the bytes.
    public var contentType: String?
    /// Content coding, such as `gzip`, which is not undone here.
    public var contentEncoding: String?
    /// How the end of the body is recognised.
    public var framing: Framing

    /// Announced length in bytes, nil when there is none.
    public var contentLength: Int64? {
        if case .length(let length) = framing { length } else { nil }
    }

    init(_ response: HTTPClientResponse) {
        status = Int(response.status.code)
        contentType = response.headers.first(name: "content-type")
        contentEncoding = response.headers.first(name: "content-encoding")
        let codings = response.headers[canonicalForm: "transfer-encoding"]
        if codings.contains(where: { $0.lowercased() == "chunked" }) {
            framing = .chunked
        } else if let text = response.headers.first(name: "content-length"), let length = Int64(text) {
            framing = .length(length)
        } else {
            framing = .untilClose
        }
    }
}

/// A response body as it arrives. The network is read only as fast as the stream is iterated, so a body of any size
/// takes the memory of a few pieces. It can be iterated once; dropping the iterator ends the transfer.
///
/// A body that ends too early or does not move for too long ends in an ``APIError`` after the bytes that did arrive.
public struct ByteStream: AsyncSequence, Sendable {
    /// One piece of the body.
    public typealias Element = BodyChunk
    /// Every failure is an API error.
    public typealias Failure = APIError

    let body: HTTPClientResponse.Body
    let context: RequestContext
    let pace: BodyPace
    let framing: BodyHead.Framing

    /// Starts reading.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            source: BodySource(body.makeAsyncIterator()), context: context, pace: pace, framing: framing)
    }

    /// Reads the body piece by piece.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: BodySource
        let context: RequestContext
        let pace: BodyPace
        let framing: BodyHead.Framing
        private var received: Int64 = 0
        private var finished = false

        init(source: BodySource, context: RequestContext, pace: BodyPace, framing: BodyHead.Framing) {
            self.source = source
            self.context = context
            self.pace = pace
            self.framing = framing
        }

        /// The next piece, nil at the end of a complete body.
        /// - Throws: `truncated`, `timeout`, `network`, `invalidAnswer` or `cancelled`.
        public mutating func next() async throws(APIError) -> BodyChunk? {
            try await advance()
        }

        /// The next piece, nil at the end of a complete body.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(APIError) -> BodyChunk? {
            try await advance()
        }

        nonisolated(nonsending) mutating func advance() async throws(APIError) -> BodyChunk? {
            guard !finished else { return nil }
            let buffer: ByteBuffer?
            do {
                // A body that always has a next piece would otherwise never notice.
                try Task.checkCancellation()
                buffer = try await source.next(pace)
            } catch {
                finished = true
                throw context.failure(error, during: .body(received: received))
            }
            if let buffer {
                received += Int64(buffer.readableBytes)
                return BodyChunk(buffer)
            }
            finished = true
            // A cancelled transfer ends like a complete one.
            if Task.isCancelled { throw context.failure(CancellationError(), during: .body(received: received)) }
            if case .length(let length) = framing, received != length {
                throw context.truncated(received: received, expected: length)
            }
            return nil
        }
    }
}

/// How slowly a body may come.
struct BodyPace: Sendable {
    /// Longest time without a byte.
    var stall: Duration?
    /// Least bytes a second, over twice the longest time without one.
    var slowest = 0
    /// How long the whole body may take, and when that is over.
    var end: (limit: Duration, moment: ContinuousClock.Instant)?
}

/// No byte arrived for the configured time.
struct BodyStalled: Error {
    var limit: Duration
}

/// Bytes arrived, but hardly.
struct BodyTooSlow: Error {
    var slowest: Int
    var window: Duration
}

/// The body did not end in time.
struct BodyOverdue: Error {
    var limit: Duration
}

/// The network side of a body. Only one `next` is ever under way.
final class BodySource: @unchecked Sendable {
    private var iterator: HTTPClientResponse.Body.AsyncIterator
    /// Time spent waiting since the pace was last judged, and bytes that came in it.
    private var waited = Duration.zero
    private var came = 0

    init(_ iterator: HTTPClientResponse.Body.AsyncIterator) {
        self.iterator = iterator
    }

    /// The next bytes, nil at the end.
    ///
    /// The time counts only while bytes are waited for: whoever reads slowly is not taken for a server that stalls. The
    /// end of the whole counts by the clock.
    func next(_ pace: BodyPace) async throws -> ByteBuffer? {
        try judge(pace)
        let begun = ContinuousClock.now
        var late: any Error = BodyStalled(limit: pace.stall ?? .zero)
        var patience = pace.stall
        if let end = pace.end, end.moment - begun < patience ?? .seconds(Int64.max) {
            late = BodyOverdue(limit: end.limit)
            patience = end.moment - begun
        }
        guard let patience else { return try await iterator.next() }
        guard patience > .zero else { throw late }
        let buffer = try await withThrowingTaskGroup(of: ByteBuffer?.self) { [late] group in
            group.addTask { try await self.iterator.next() }
            group.addTask {
                try await Task.sleep(for: patience)
                throw late
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        waited += .now - begun
        came += buffer?.readableBytes ?? 0
        return buffer
    }

    private func judge(_ pace: BodyPace) throws {
        guard let stall = pace.stall, waited >= stall * 2 else { return }
        defer { (waited, came) = (.zero, 0) }
        if Double(came) < waited / .seconds(1) * Double(pace.slowest) {
            throw BodyTooSlow(slowest: pace.slowest, window: stall * 2)
        }
    }
}

/// A session's output as it arrives, with the frames of Docker's raw log stream taken out should there be any.
public struct LogStream: AsyncSequence, Sendable {
    /// One piece of the log; pieces are cut anywhere, also inside a line or a character.
    public typealias Element = BodyChunk
    /// Every failure is an API error.
    public typealias Failure = APIError

    /// What the response said about its body.
    public let head: BodyHead
    let stream: ByteStream

    /// Starts reading.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(iterator: stream.makeAsyncIterator())
    }

    /// Reads the log piece by piece.
    public struct AsyncIterator: AsyncIteratorProtocol {
        var iterator: ByteStream.AsyncIterator
        /// What is known about frames so far.
        public private(set) var frames = DockerLogFrames()
        private var finished = false

        init(iterator: ByteStream.AsyncIterator) {
            self.iterator = iterator
        }

        /// The next piece, nil at the end of the log.
        /// - Throws: as ``ByteStream`` does; what was read before is valid.
        public mutating func next() async throws(APIError) -> BodyChunk? {
            try await advance()
        }

        /// The next piece, nil at the end of the log.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(APIError) -> BodyChunk? {
            try await advance()
        }

        nonisolated(nonsending) private mutating func advance() async throws(APIError) -> BodyChunk? {
            while !finished {
                guard let chunk = try await iterator.advance() else {
                    finished = true
                    var rest = ByteBuffer()
                    frames.finish { rest.writeBytes($1) }
                    return rest.readableBytes > 0 ? BodyChunk(rest) : nil
                }
                if frames.mode == .plain { return chunk }
                var plain = ByteBuffer()
                chunk.withUnsafeBytes { bytes in
                    plain.reserveCapacity(bytes.count)
                    frames.push(bytes) { plain.writeBytes($1) }
                }
                if plain.readableBytes > 0 { return BodyChunk(plain) }
            }
            return nil
        }
    }
}
