internal import Pack
internal import Synchronization
internal import Threads

/// Ranges of one object. Each request names the object's tag, so that all bytes are of the same object.
struct S3Ranges: RangeReader {
    /// A gap below this is read along: a round trip costs more than its bytes.
    static let gap: UInt64 = 128 << 10
    /// Joined ranges get no longer, so that many requests share the work.
    static let longestJoined: UInt64 = 4 << 20

    let client: S3Client
    let object: S3Object
    /// The object's last bytes.
    let last: [UInt8]
    /// The most requests at once.
    let parallel: Int

    var identity: PackIdentity? { PackIdentity(object) }

    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) {
        if count <= last.count || UInt64(last.count) == object.size {
            return (Array(last.suffix(max(0, count))), object.size)
        }
        let count = min(UInt64(count), object.size)
        return (try get(object.size - count..<object.size), object.size)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        guard offset < object.size, buffer.count > 0 else { return 0 }
        let count = min(UInt64(buffer.count), object.size - offset)
        let bytes = try get(offset..<offset + count)
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        if let range = ranges.first(where: { $0.upperBound > object.size }) {
            throw PackError(.damagedFooter, "the file ends too early", path: object.key, offset: range.lowerBound)
        }
        let plan = RangePlan(ranges, gap: Self.gap, most: Self.longestJoined)
        guard let pieces = plan.pieces(of: try get(plan.requests)) else {
            throw PackError(.io, "a range was not read completely", path: object.key)
        }
        return pieces
    }

    // MARK: Requests

    private func get(_ range: Range<UInt64>) throws(PackError) -> [UInt8] {
        let answer: (bytes: [UInt8], object: S3Object)
        do throws(S3Error) { answer = try client.get(object.key, range, ifMatch: object.etag) } catch {
            if error.status == 412 { throw .replaced(object.key) }
            throw PackError(error, "read the pack", path: object.key, isAbsence: S3PackHome.isAbsence(error))
        }
        // Not every server honours If-Match with a range.
        guard answer.object.etag.utf8.elementsEqual(object.etag.utf8) else { throw .replaced(object.key) }
        guard answer.bytes.count == range.count else {
            throw PackError(.io, "a range was not read completely", path: object.key, offset: range.lowerBound)
        }
        return answer.bytes
    }

    private func get(_ requests: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        guard requests.count > 1 else {
            var answers: [[UInt8]] = []
            for request in requests { answers.append(try get(request)) }
            return answers
        }
        let work = RangeWork(requests.count)
        let run = { @Sendable in
            while let index = work.next() {
                do throws(PackError) { work.finish(index, try get(requests[index])) } catch { work.fail(error) }
            }
        }
        let threads = ThreadGroup()
        for _ in 1..<min(requests.count, max(1, parallel)) { threads.start(run) }
        // Alone, if the system refuses threads.
        run()
        threads.join()
        return try work.answers()
    }
}

/// Requests that several threads share. The first failure ends the work.
private final class RangeWork: Sendable {
    private struct State {
        var next = 0
        var answers: [[UInt8]]
        var failure: PackError?
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(answers: Array(repeating: [], count: count))) }

    func next() -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.next < state.answers.count else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    func finish(_ index: Int, _ answer: [UInt8]) { state.withLock { $0.answers[index] = answer } }

    func fail(_ error: PackError) { state.withLock { $0.failure = $0.failure ?? error } }

    func answers() throws(PackError) -> [[UInt8]] {
        let (answers, failure) = state.withLock { ($0.answers, $0.failure) }
        if let failure { throw failure }
        return answers
    }
}
