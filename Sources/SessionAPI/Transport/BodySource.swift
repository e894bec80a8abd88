internal import AsyncHTTPClient
internal import NIOCore

/// Limits on how slowly a body may arrive.
struct BodyPace: Sendable {
    /// Longest time without a byte.
    var stall: Duration?
    /// Minimum bytes per second, averaged over at least twice `stall`.
    var slowest = 0
    /// The time limit for the whole body, and the moment it expires.
    var end: (limit: Duration, moment: ContinuousClock.Instant)?
}

/// No byte arrived for the configured time.
struct BodyStalled: Error {
    var limit: Duration
}

/// Bytes arrived, but too slowly.
struct BodyTooSlow: Error {
    var slowest: Int
    var window: Duration
}

/// The body did not end in time.
struct BodyOverdue: Error {
    var limit: Duration
}

/// The source of a body's bytes. Only one `next` runs at a time.
final class BodySource: @unchecked Sendable {
    private var pull: () async throws -> ByteBuffer?
    /// Time spent waiting since the pace was last checked, and the bytes received in it.
    private var waited = Duration.zero
    private var came = 0

    init<Pieces: AsyncSequence>(_ pieces: Pieces, _ buffer: @escaping @Sendable (Pieces.Element) -> ByteBuffer) {
        var iterator = pieces.makeAsyncIterator()
        pull = { try await iterator.next().map(buffer) }
    }

    /// The next bytes, nil at the end.
    ///
    /// Only time spent waiting for bytes counts, so that a slow reader is not mistaken for a stalled server. `pace.end`
    /// counts all time.
    func next(_ pace: BodyPace) async throws -> ByteBuffer? {
        try judge(pace)
        let begun = ContinuousClock.now
        var late: any Error = BodyStalled(limit: pace.stall ?? .zero)
        var patience = pace.stall
        if let end = pace.end, end.moment - begun < patience ?? .seconds(Int64.max) {
            late = BodyOverdue(limit: end.limit)
            patience = end.moment - begun
        }
        guard let patience else { return try await pull() }
        guard patience > .zero else { throw late }
        let buffer = try await withThrowingTaskGroup(of: ByteBuffer?.self) { [late] group in
            group.addTask { try await self.pull() }
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
