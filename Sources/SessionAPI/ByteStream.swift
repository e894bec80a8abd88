internal import AsyncHTTPClient
internal import NIOCore
public import SessionModel

/// A response body as it arrives. The network is read only as fast as the stream is iterated, so a body of any size
/// uses the memory of a few pieces. It can be iterated once; dropping the iterator ends the transfer.
///
/// A body that is truncated or stalls for too long throws an `APIError` after the bytes that did arrive.
public struct ByteStream: AsyncSequence, Sendable {
    /// One piece of the body.
    public typealias Element = BodyChunk
    /// Every failure is an `APIError`.
    public typealias Failure = APIError

    private let start: @Sendable () -> AsyncIterator

    /// The body of a response.
    init(body: HTTPClientResponse.Body, context: RequestContext, pace: BodyPace, framing: BodyHead.Framing) {
        start = {
            AsyncIterator(source: BodySource(body) { $0 }, context: context, pace: pace, framing: framing)
        }
    }

    /// A body whose beginning has been read already, with the failure, if any, that ended it there.
    init(beginning: [BodyChunk], rest: AsyncIterator, failure: APIError?) {
        // An iterator has one reader. This one is handed over and not used elsewhere.
        nonisolated(unsafe) let handedOn = rest.replaying(beginning, failure)
        start = { handedOn }
    }

    /// Creates a stream from any source of pieces, for a ``SessionOperations`` that is not a server.
    ///
    /// - Parameters:
    ///   - pieces: the pieces in order. If they throw an `APIError`, the stream throws it unchanged; every other
    ///     error becomes `truncated`.
    ///   - operation: the operation named in errors.
    ///   - session: the session named in errors.
    public init<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, operation: APIOperation = .artifacts, session: String? = nil
    ) where Pieces.Element == BodyChunk {
        let context = RequestContext(operation: operation, session: session)
        start = {
            AsyncIterator(
                source: BodySource(pieces) { $0.buffer }, context: context, pace: BodyPace(), framing: .untilClose)
        }
    }

    /// Creates a stream from any source of byte sequences, for a ``SessionOperations`` that is not a server.
    ///
    /// - Parameters:
    ///   - pieces: the pieces in order. If they throw an `APIError`, the stream throws it unchanged; every other
    ///     error becomes `truncated`.
    ///   - operation: the operation named in errors.
    ///   - session: the session named in errors.
    public init<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, operation: APIOperation = .artifacts, session: String? = nil
    ) where Pieces.Element: Sequence<UInt8> {
        let context = RequestContext(operation: operation, session: session)
        start = {
            AsyncIterator(
                source: BodySource(pieces) { ByteBuffer(bytes: $0) }, context: context, pace: BodyPace(),
                framing: .untilClose)
        }
    }

    /// Creates a stream of one piece.
    public init(_ bytes: [UInt8]) {
        self.init(
            AsyncStream<BodyChunk> { continuation in
                continuation.yield(BodyChunk(bytes))
                continuation.finish()
            })
    }

    /// Starts reading.
    public func makeAsyncIterator() -> AsyncIterator { start() }

    /// Reads the body piece by piece.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: BodySource
        let context: RequestContext
        let pace: BodyPace
        let framing: BodyHead.Framing
        private var received: Int64 = 0
        private var finished = false
        /// Pieces already read, to be returned first, and the failure that followed them.
        private var replayed: ArraySlice<BodyChunk> = []
        private var failure: APIError?

        init(source: BodySource, context: RequestContext, pace: BodyPace, framing: BodyHead.Framing) {
            self.source = source
            self.context = context
            self.pace = pace
            self.framing = framing
        }

        /// Returns the next piece, nil at the end of a complete body.
        /// - Throws: `truncated`, `timeout`, `network`, `invalidAnswer` or `cancelled`.
        public mutating func next() async throws(APIError) -> BodyChunk? {
            try await advance()
        }

        /// Returns the next piece, nil at the end of a complete body.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(APIError) -> BodyChunk? {
            try await advance()
        }

        /// Returns this iterator so that it first returns these pieces, then throws the failure if there is one.
        func replaying(_ pieces: [BodyChunk], _ failure: APIError?) -> AsyncIterator {
            var copy = self
            copy.replayed = pieces[...]
            copy.failure = failure
            return copy
        }

        nonisolated(nonsending) mutating func advance() async throws(APIError) -> BodyChunk? {
            if let piece = replayed.popFirst() { return piece }
            if let failure {
                self.failure = nil
                throw failure
            }
            guard !finished else { return nil }
            let buffer: ByteBuffer?
            do {
                // Without this, a body that always has a next piece would never notice a cancellation.
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
            // A cancelled transfer looks like a complete one.
            if Task.isCancelled { throw context.failure(CancellationError(), during: .body(received: received)) }
            if case .length(let length) = framing, received != length {
                throw context.truncated(received: received, expected: length)
            }
            return nil
        }
    }
}
