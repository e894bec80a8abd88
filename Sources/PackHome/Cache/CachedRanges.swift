internal import Glibc
internal import Pack
internal import Synchronization

/// Ranges of one pack through the cache: parts that it has are read from files, all others at once from the pack's home.
final class CachedRanges: RangeReader {
    private let cache: PackCache
    private let key: CacheKey
    private let stamp: CacheStamp
    private let home: any PackHome
    private let path: String
    /// The pack's last bytes, if they are known.
    private let last: [UInt8]
    private let opened: Mutex<(any RangeReader)?>
    /// Set when something could not be kept, such as on a full disk: this reader then keeps nothing.
    private let keepsNothing = Atomic(false)

    init(
        _ cache: PackCache, _ key: CacheKey, _ stamp: CacheStamp, home: any PackHome, path: String, last: [UInt8],
        opened: (any RangeReader)? = nil
    ) {
        self.cache = cache
        self.key = key
        self.stamp = stamp
        self.home = home
        self.path = path
        self.last = last
        self.opened = Mutex(opened)
    }

    var identity: PackIdentity? { stamp.identity }

    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) {
        if count <= last.count || UInt64(last.count) == stamp.size {
            return (Array(last.suffix(max(0, count))), stamp.size)
        }
        let count = min(UInt64(count), stamp.size)
        return (try read(stamp.size - count..<stamp.size), stamp.size)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        guard offset < stamp.size, buffer.count > 0 else { return 0 }
        let count = min(UInt64(buffer.count), stamp.size - offset)
        let found = try read([offset..<offset + count])
        buffer.copyBytes(from: found[0])
        return found[0].count
    }

    func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        if let range = ranges.first(where: { $0.upperBound > stamp.size }) {
            throw PackError(.damagedFooter, "the file ends too early", path: path, offset: range.lowerBound)
        }
        let parts = try parts(of: ranges)
        var found: [[UInt8]] = []
        found.reserveCapacity(ranges.count)
        for range in ranges {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(range.count)
            for number in numbers(range) {
                guard let part = parts[number] else {
                    throw PackError(.io, "a part of the pack was not read", path: path, offset: range.lowerBound)
                }
                let start = cache.range(ofPart: number, size: stamp.size).lowerBound
                let from = Int(max(range.lowerBound, start) - start)
                let to = Int(min(range.upperBound - start, UInt64(part.count)))
                bytes += part[(part.startIndex + from)..<(part.startIndex + to)]
            }
            found.append(bytes)
        }
        return found
    }

    private func numbers(_ range: Range<UInt64>) -> Range<UInt64> {
        guard !range.isEmpty else { return 0..<0 }
        let size = UInt64(cache.part)
        return range.lowerBound / size..<(range.upperBound - 1) / size + 1
    }

    /// The parts that ranges touch, by number.
    private func parts(of ranges: [Range<UInt64>]) throws(PackError) -> [UInt64: ArraySlice<UInt8>] {
        var parts: [UInt64: ArraySlice<UInt8>] = [:]
        var missing: [UInt64] = []
        for number in ranges.flatMap(numbers) where parts[number] == nil {
            if let part = cache.part(number, of: key, stamp) {
                cache.counters.hit(part.count)
                parts[number] = part
            } else {
                // Holds its place, so that no part is requested twice.
                parts[number] = []
                missing.append(number)
            }
        }
        if missing.isEmpty { return parts }
        let wanted = missing.map { cache.range(ofPart: $0, size: stamp.size) }
        let read: [[UInt8]]
        do throws(PackError) { read = try origin().read(wanted) } catch { throw forget(error) }
        guard read.count == wanted.count, zip(read, wanted).allSatisfy({ $0.count == $1.count }) else {
            throw PackError(.io, "a range was not read completely", path: path)
        }
        for (number, bytes) in zip(missing, read) {
            cache.counters.miss(bytes.count)
            parts[number] = bytes[...]
        }
        keep(missing, wanted, read)
        return parts
    }

    private func keep(_ numbers: [UInt64], _ ranges: [Range<UInt64>], _ read: [[UInt8]]) {
        guard !keepsNothing.load(ordering: .relaxed) else { return }
        let files = numbers.indices.map { (String(numbers[$0]), ranges[$0].lowerBound, read[$0][...]) }
        if !cache.keep(files, of: key, stamp) { keepsNothing.store(true, ordering: .relaxed) }
    }

    /// The pack in its home, opened when something is missing for the first time.
    private func origin() throws(PackError) -> any RangeReader {
        let found = opened.withLock { opened -> Result<any RangeReader, PackError> in
            if let opened { return .success(opened) }
            return Result { () throws(PackError) in
                let ranges = try home.ranges(of: path, size: stamp.size, identity: stamp.identity)
                opened = ranges
                return ranges
            }
        }
        return try found.get()
    }

    /// Drops the copies of a pack that is not what they are of.
    private func forget(_ error: PackError) -> PackError {
        if error.isAbsence || error.errno == ESTALE { cache.drop(key) }
        return error
    }
}
