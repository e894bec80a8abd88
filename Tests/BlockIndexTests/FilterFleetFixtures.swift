import Glibc
import Pack
import Synchronization

@testable import BlockIndex

/// Objects of filters in memory, of which some can be made unreadable.
final class MemoryObjects: FilterObjects {
    private struct State {
        var objects: [String: [UInt8]] = [:]
        var unreadable: Set<String> = []
        var requests = 0
        var bytes = 0
    }

    private let state = Mutex(State())

    var requests: Int { state.withLock { $0.requests } }
    var bytesRead: Int { state.withLock { $0.bytes } }

    subscript(key: String) -> [UInt8] {
        get { state.withLock { $0.objects[key] ?? [] } }
        set { state.withLock { $0.objects[key] = newValue } }
    }

    func forget() { state.withLock { ($0.requests, $0.bytes) = (0, 0) } }

    func lose(_ key: String) { state.withLock { _ = $0.unreadable.insert(key) } }

    func read(_ ranges: [ObjectRange]) -> [Result<[UInt8], BlockIndexError>] {
        state.withLock { state in
            ranges.map { range in
                state.requests += 1
                state.bytes += range.range.count
                guard let object = state.objects[range.key], !state.unreadable.contains(range.key),
                    range.range.upperBound <= UInt64(object.count)
                else { return .failure(BlockIndexError(code: .object, message: "absent", path: range.key)) }
                return .success(Array(object[Int(range.range.lowerBound)..<Int(range.range.upperBound)]))
            }
        }
    }

    func put(_ key: String, _ bytes: [UInt8]) throws(BlockIndexError) { self[key] = bytes }

    func put(_ key: String, from descriptor: Int32, size: UInt64) throws(BlockIndexError) {
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard got == Int(size) else { throw BlockIndexError(code: .resources, message: "read \(got) of \(size)") }
        self[key] = bytes
    }

    func copy(_ key: String, to descriptor: Int32) throws(BlockIndexError) {
        let bytes = try read([ObjectRange(key, 0..<UInt64(self[key].count))])[0].get()
        let put = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard put == bytes.count else { throw BlockIndexError(code: .resources, message: "wrote \(put)") }
    }
}

/// Packs that exist only as records of filters, of texts made from a seed.
struct FilterCorpus {
    struct Block {
        /// Empty for content that is not text.
        var text: [UInt8]
        var filter: [UInt8]
    }

    struct Pack {
        var path: String
        var bytes: UInt64
        var blocks: [Block]
        var record: [UInt8]
    }

    private(set) var packs: [Pack] = []
    private(set) var words: [[UInt8]] = []
    private var random: TestRandom

    /// - Parameter oldSizes: whether filters have the sizes of earlier versions, which were not rounded.
    init(seed: UInt64, packs count: Int, oldSizes: Bool = false) {
        random = TestRandom(state: seed)
        for _ in 0..<400 { words.append(word()) }
        for number in 0..<count { add(number, oldSizes: oldSizes) }
    }

    private mutating func word() -> [UInt8] {
        (0..<(3 + random.below(12))).map { _ in Array("abcdefghijklmnopqrstuvwxyz0123456789._-".utf8)[random.below(39)]
        }
    }

    private mutating func add(_ number: Int, oldSizes: Bool) {
        var blocks: [Block] = []
        for _ in 0..<random.below(7) {
            guard random.below(8) > 0 else {
                blocks.append(Block(text: [], filter: []))
                continue
            }
            var text: [UInt8] = []
            for _ in 0..<(20 + random.below(random.below(4) == 0 ? 3000 : 300)) {
                text += random.below(3) > 0 ? words[random.below(words.count)] : word()
                text.append(random.below(9) == 0 ? 0x0A : 0x20)
            }
            var filter = text.withUnsafeBytes { BlockFilter.build($0) }
            if oldSizes { filter = Self.resized(filter, words: max(1, filter.count / 8 * 13 / 12)) }
            blocks.append(Block(text: text, filter: filter))
        }
        let path = "packs/2026/11/20/s\(number).1.0000000\(number % 10).pack"
        var offset: UInt64 = 0
        let places = blocks.map { block in
            defer { offset += UInt64(block.text.count / 4 + 100) }
            return BlockPlace(
                offset: offset, storedSize: UInt32(block.text.count / 4 + 100),
                rawSize: UInt32(max(block.text.count, 1)),
                isText: !block.text.isEmpty)
        }
        let bytes = offset + 900
        let record = FilterRow.encode(
            path: path, packBytes: bytes, filters: blocks.map(\.filter), format: BlockFilter.format,
            places: PackPlaces(footer: offset, blocks: places))
        packs.append(Pack(path: path, bytes: bytes, blocks: blocks, record: record))
    }

    /// The filter in another size, without false negatives.
    static func resized(_ filter: [UInt8], words: Int) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: words * 8)
        for place in 0..<(1 << 18) {
            let from = (place * filter.count * 8) >> 18
            guard filter[from / 8] >> UInt8(from % 8) & 1 == 1 else { continue }
            let to = (place * out.count * 8) >> 18
            out[to / 8] |= 1 << UInt8(to % 8)
        }
        return out
    }

    /// Queries over the corpus: literals that are in it, that are not, and combinations.
    mutating func query() -> (tree: ProbeTree, holds: ([UInt8]) -> Bool) {
        let some = (0..<3).map { _ in random.below(5) > 0 ? words[random.below(words.count)] : word() }
        let literals = some.map { ProbeTree.literal($0) }
        switch random.below(4) {
        case 0: return (.both(literals), { text in some.allSatisfy { text.contains($0) } })
        case 1: return (.either(literals), { text in some.contains { text.contains($0) } })
        case 2:
            return (
                .both([literals[0], .either([literals[1], literals[2]])]),
                { text in text.contains(some[0]) && (text.contains(some[1]) || text.contains(some[2])) }
            )
        default: return (literals[0], { text in text.contains(some[0]) })
        }
    }

    /// The object of some packs.
    func segment(_ range: Range<Int>, day: Int = 20_777, hour: Int = 3, in objects: MemoryObjects) -> FilterObject {
        var batch = FilterBatch()
        for pack in packs[range] { batch.add(pack.record, now: 0) }
        let now = Int64(day) * 86_400_000 + Int64(hour) * 3_600_000
        guard let made = batch.take(now: now, harvester: "host/1", random: UInt32(range.lowerBound)) else {
            fatalError("a corpus has valid records")
        }
        objects[made.record.key] = made.bytes
        return made.record
    }

    var sizes: [String: UInt64] { Dictionary(packs.map { ($0.path, $0.bytes) }) { first, _ in first } }
}

struct TestRandom {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9 >> 3
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
}

extension [UInt8] {
    /// Whether the bytes contain others, upper and lower case being the same in neither.
    func contains(_ run: [UInt8]) -> Bool {
        guard run.count <= count, let first = run.first else { return run.isEmpty }
        var at = startIndex
        while let found = self[at...].firstIndex(of: first), found + run.count <= count {
            if self[found..<found + run.count].elementsEqual(run) { return true }
            at = found + 1
        }
        return false
    }
}
