internal import NIOCore

/// A session's output as it arrives, with the frames of Docker's raw log stream taken out should there be any.
public struct LogStream: AsyncSequence, Sendable {
    /// One piece of the log; pieces are cut anywhere, also inside a line or a character.
    public typealias Element = BodyChunk
    /// Every failure is an API error.
    public typealias Failure = APIError

    /// What the response said about its body.
    public let head: BodyHead
    let stream: ByteStream

    /// A log from its parts. Frames are taken out of it as they are of one that a server sends.
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
