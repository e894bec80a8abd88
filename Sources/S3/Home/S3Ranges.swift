internal import Pack
internal import PackHome
internal import Synchronization
internal import Threads

/// Ranges of one object. Each answer has the object's tag, so that all bytes are of the same object.
final class S3Ranges: RangeReader {
    /// A gap below this is read along: a round trip costs more than its bytes.
    static let gap: UInt64 = 128 << 10
    /// Joined ranges get no longer, so that many requests share the work.
    static let longestJoined: UInt64 = 4 << 20

    private struct Known {
        var etag: String?
        var identity: PackIdentity?
    }

    private let client: S3Client
    private let key: String
    private let size: UInt64
    private let last: [UInt8]
    private let parallel: Int
    private let known: Mutex<Known>

    /// Ranges of an object of which the last bytes have arrived.
    init(_ client: S3Client, _ object: S3Object, last: [UInt8], parallel: Int) {
        self.client = client
        key = object.key
        size = object.size
        self.last = last
        self.parallel = parallel
        known = Mutex(Known(etag: object.etag, identity: PackIdentity(object)))
    }

    /// Ranges of an object of which the first answer will say whether it is the one expected.
    init(_ client: S3Client, key: String, size: UInt64, identity: PackIdentity?, parallel: Int) {
        self.client = client
        self.key = key
        self.size = size
        last = []
        self.parallel = parallel
        known = Mutex(Known(etag: nil, identity: identity))
    }

    var identity: PackIdentity? { known.withLock { $0.identity } }

    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) {
        if count <= last.count || UInt64(last.count) == size { return (Array(last.suffix(max(0, count))), size) }
        let count = min(UInt64(count), size)
        return (try get(size - count..<size), size)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        guard offset < size, buffer.count > 0 else { return 0 }
        let count = min(UInt64(buffer.count), size - offset)
        let bytes = try get(offset..<offset + count)
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        if let range = ranges.first(where: { $0.upperBound > size }) {
            throw PackError(.damagedFooter, "the file ends too early", path: key, offset: range.lowerBound)
        }
        let plan = RangePlan(ranges, gap: Self.gap, most: Self.longestJoined)
        guard let pieces = plan.pieces(of: try get(plan.requests)) else {
            throw PackError(.io, "a range was not read completely", path: key)
        }
        return pieces
    }

    // MARK: Requests

    private func get(_ range: Range<UInt64>) throws(PackError) -> [UInt8] {
        let answer: (bytes: [UInt8], object: S3Object)
        do throws(S3Error) {
            answer = try client.get(key, range, ifMatch: known.withLock { $0.etag })
        } catch {
            if error.status == 412 { throw .replaced(key) }
            throw PackError(error, path: key, isOfPack: true)
        }
        // Not every server honours If-Match with a range.
        guard isExpected(etag: answer.object.etag) else { throw .replaced(key) }
        guard answer.bytes.count == range.count else {
            throw PackError(.io, "a range was not read completely", path: key, offset: range.lowerBound)
        }
        return answer.bytes
    }

    /// Whether an answer is of the object expected, or else of that of the first answer.
    private func isExpected(etag: String) -> Bool {
        known.withLock { known in
            if let own = known.etag { return own.utf8.elementsEqual(etag.utf8) }
            let found = PackIdentity(key: key, etag: etag, size: size)
            guard known.identity == nil || known.identity == found else { return false }
            known = Known(etag: etag, identity: found)
            return true
        }
    }

    private func get(_ requests: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        guard requests.count > 1 else {
            var answers: [[UInt8]] = []
            for request in requests { answers.append(try get(request)) }
            return answers
        }
        let work = RangeWork(requests.count)
        let run = { @Sendable [self] in
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
