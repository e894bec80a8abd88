internal import AsyncHTTPClient
internal import NIOCore

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

/// The side of a body where its bytes come from. Only one `next` is ever under way.
final class BodySource: @unchecked Sendable {
    private var pull: () async throws -> ByteBuffer?
    /// Time spent waiting since the pace was last judged, and bytes that came in it.
    private var waited = Duration.zero
    private var came = 0

    init<Pieces: AsyncSequence>(_ pieces: Pieces, _ buffer: @escaping @Sendable (Pieces.Element) -> ByteBuffer) {
        var iterator = pieces.makeAsyncIterator()
        pull = { try await iterator.next().map(buffer) }
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
