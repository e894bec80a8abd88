import Hummingbird
import NIOCore
import Store

extension APICall {
    /// A body that a thread writes through a pipe. The thread ends when the client goes.
    ///
    /// It returns when the first bytes are there, so that an error before them is an error with a status.
    ///
    /// - Parameters:
    ///   - place: given back at the end.
    ///   - pool: runs the work on one of its threads.
    ///   - work: writes the bytes.
    func piped(
        _ place: Admission.Place,
        on pool: @escaping @Sendable (@escaping @Sendable (Store) throws -> Void) async throws -> Void,
        _ work: @escaping @Sendable (Store, BytePipe) throws -> Void
    ) async throws -> ResponseBody {
        let pipe = BytePipe()
        // Weak: a connection may serve many requests, and keeps what its end does.
        context.channel.closeFuture.whenComplete { [weak pipe] _ in pipe?.close() }
        Task {
            do {
                try await pool { try work($0, pipe) }
                pipe.finish()
            } catch {
                pipe.finish(error)
            }
            withExtendedLifetime(place) {}
        }
        let first = try await pipe.first()
        return streamed { writer in
            defer { pipe.close() }
            guard let first else { return }
            try await writer.write(first)
            try await pipe.send(to: &writer)
        }
    }
}
