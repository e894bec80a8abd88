import Dispatch
import Hummingbird
import NIOCore
import Synchronization

/// Passes bytes from a thread that blocks to a response that is sent.
///
/// The thread waits while the reader is slow, and ends when the reader has gone or has read nothing for 30 seconds.
final class BytePipe: Sendable {
    /// The size of one piece, in bytes.
    static let pieceSize = 64 << 10
    /// Pieces that may wait.
    private static let capacity = 8
    /// How long the thread waits for the reader.
    static let patience = DispatchTimeInterval.seconds(30)

    // It begins with 0 and is raised: one that is freed below its first value ends the process.
    private let room = DispatchSemaphore(value: 0)
    private let isClosed = Atomic<Bool>(false)
    private let pieces: AsyncThrowingStream<ByteBuffer, any Error>
    private let source: AsyncThrowingStream<ByteBuffer, any Error>.Continuation

    init() {
        (pieces, source) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
        for _ in 0..<Self.capacity { room.signal() }
    }

    /// Whether nobody reads any more.
    var isAbandoned: Bool { isClosed.load(ordering: .acquiring) }

    // MARK: The thread

    /// Passes a piece on. Returns false if nobody reads any more.
    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isAbandoned else { return false }
        guard room.wait(timeout: .now() + Self.patience) == .success else {
            close()
            return false
        }
        guard !isAbandoned else { return false }
        source.yield(ByteBuffer(bytes: bytes))
        return true
    }

    /// All was written, or an error ended it.
    func finish(_ error: (any Error)? = nil) { source.finish(throwing: error) }

    // MARK: The response

    /// The first piece; nil if there is none.
    func first() async throws -> ByteBuffer? {
        for try await piece in pieces {
            room.signal()
            return piece
        }
        return nil
    }

    /// Sends the other pieces until the end.
    func send(to writer: inout any ResponseBodyWriter) async throws {
        for try await piece in pieces {
            try await writer.write(piece)
            room.signal()
        }
    }

    /// Nobody reads any more: the thread ends.
    func close() {
        isClosed.store(true, ordering: .releasing)
        room.signal()
    }
}
