internal import NIOCore
public import SessionModel

/// A session's output as it arrives, without the frame headers of Docker's raw log stream.
public struct LogStream: AsyncSequence, Sendable {
    /// One piece of the log. A piece may end inside a line or a character.
    public typealias Element = BodyChunk
    /// Every failure is an `APIError`.
    public typealias Failure = APIError

    /// The head of the response.
    public let head: BodyHead
    let stream: ByteStream

    /// Creates a log. Frame headers are removed from `body` as from a server's log.
    public init(head: BodyHead = BodyHead(contentType: "text/plain"), body: ByteStream) {
        self.head = head
        stream = body
    }

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

        /// Returns the next piece, nil at the end of the log.
        /// - Throws: as ``ByteStream`` does. What was read before is valid.
        public mutating func next() async throws(APIError) -> BodyChunk? {
            try await advance()
        }

        /// Returns the next piece, nil at the end of the log.
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
