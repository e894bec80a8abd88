internal import Pack
internal import PackHome
internal import Synchronization

/// Ranges of a pack that will be read, in order: the first are requested at once, the others in portions when they are
/// needed. A search that decodes one block after another then waits for few round trips.
final class PlannedRanges: RangeReader {
    /// Most bytes of one portion.
    private static let portion: UInt64 = 4 << 20
    /// Portions that are kept: threads decode neighbouring blocks at the same time.
    private static let mostPortions = 2

    private struct Piece {
        let range: Range<UInt64>
        let bytes: [UInt8]
    }

    private struct State {
        var plan: [Range<UInt64>] = []
        var portions: [[Piece]] = []
    }

    private let reader: any RangeReader
    private let state = Mutex(State())

    init(_ reader: any RangeReader) { self.reader = reader }

    var identity: PackIdentity? { reader.identity }

    /// Plans ranges that are sorted, and reads the first of them together with another one.
    ///
    /// - Returns: the bytes of the other range.
    func begin(_ plan: [Range<UInt64>], with other: Range<UInt64>? = nil) throws(PackError) -> [UInt8] {
        let first = Self.first(of: plan[...])
        let found = try reader.read(first + (other.map { [$0] } ?? []))
        let pieces = zip(first, found).map { Piece(range: $0, bytes: $1) }
        state.withLock { state in
            state.plan = Array(plan.dropFirst(first.count))
            if !pieces.isEmpty { state.portions = [pieces] }
        }
        return other == nil ? [] : found.last ?? []
    }

    private static func first(of plan: ArraySlice<Range<UInt64>>) -> [Range<UInt64>] {
        var size: UInt64 = 0
        var portion: [Range<UInt64>] = []
        for range in plan {
            if !portion.isEmpty, size + UInt64(range.count) > Self.portion { break }
            portion.append(range)
            size += UInt64(range.count)
        }
        return portion
    }

    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) { try reader.end(count) }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        let wanted = offset..<offset + UInt64(buffer.count)
        if let bytes = try piece(wanted) {
            buffer.copyBytes(from: bytes)
            return bytes.count
        }
        return try reader.read(at: offset, into: buffer)
    }

    func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for range in ranges {
            guard let bytes = try piece(range) else { return try reader.read(ranges) }
            found.append(Array(bytes))
        }
        return found
    }

    /// The bytes of a planned range; nil for another one.
    private func piece(_ wanted: Range<UInt64>) throws(PackError) -> ArraySlice<UInt8>? {
        // Held while a portion is read: threads that need it too wait for the same request.
        let result: Result<ArraySlice<UInt8>?, PackError> = state.withLock { state in
            if let bytes = Self.find(wanted, state) { return .success(bytes) }
            guard let index = state.plan.firstIndex(of: wanted) else { return .success(nil) }
            let ranges = Self.first(of: state.plan[index...])
            do throws(PackError) {
                let pieces = zip(ranges, try reader.read(ranges)).map { Piece(range: $0, bytes: $1) }
                state.portions.append(pieces)
            } catch {
                return .failure(error)
            }
            if state.portions.count > Self.mostPortions { state.portions.removeFirst() }
            return .success(Self.find(wanted, state))
        }
        return try result.get()
    }

    private static func find(_ wanted: Range<UInt64>, _ state: State) -> ArraySlice<UInt8>? {
        for portion in state.portions {
            for piece in portion
            where piece.range.lowerBound <= wanted.lowerBound && wanted.upperBound <= piece.range.upperBound {
                let start = Int(wanted.lowerBound - piece.range.lowerBound)
                guard start + wanted.count <= piece.bytes.count else { return nil }
                return piece.bytes[start..<start + wanted.count]
            }
        }
        return nil
    }
}

/// Opens packs of a bucket in few round trips.
struct PlannedPack {
    /// Opens a pack of which the ranges are known that a search reads: they are requested together with the footer.
    ///
    /// - Parameters:
    ///   - ranges: the blocks, and last the footer.
    static func open(
        _ pack: String, bytes: UInt64, ranges: [Range<UInt64>], in home: any PackHome
    ) throws(PackError) -> PackReader {
        let planned = PlannedRanges(try home.ranges(of: pack, size: bytes, identity: nil))
        let footer = ranges.last?.lowerBound ?? bytes
        let start = min(footer, bytes - PackBytes.endToOpen(of: bytes))
        let blocks = ranges.dropLast().sorted { $0.lowerBound < $1.lowerBound }
        let end = try planned.begin(blocks, with: start..<bytes)
        return try PackReader.open(PackBytes(planned, end: end, size: bytes, path: pack), tolerant: true)
    }

    /// Opens a pack of which nothing is known, and requests the blocks that a search reads.
    ///
    /// - Parameter isWanted: whether a block is read.
    static func open(
        _ pack: String, bytes: UInt64, in home: any PackHome, isWanted: (Int, Block) -> Bool
    ) throws(PackError) -> PackReader {
        let planned = PlannedRanges(try home.ranges(of: pack, size: bytes, identity: nil))
        let start = bytes - PackBytes.endToOpen(of: bytes)
        let end = try planned.begin([], with: start..<bytes)
        let reader = try PackReader.open(PackBytes(planned, end: end, size: bytes, path: pack), tolerant: true)
        let blocks = reader.blocks.enumerated().filter { isWanted($0, $1) }.map { _, block in
            block.offset..<block.offset + UInt64(block.storedSize)
        }
        _ = try planned.begin(blocks.sorted { $0.lowerBound < $1.lowerBound })
        return reader
    }
}
