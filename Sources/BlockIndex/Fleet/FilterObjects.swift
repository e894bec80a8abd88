/// A range of an object of filters.
public struct ObjectRange: Sendable, Hashable {
    /// The object's key, relative to the store: `filters/slices/…`.
    public var key: String
    /// The bytes, all of which the object has.
    public var range: Range<UInt64>

    /// Creates a range.
    public init(_ key: String, _ range: Range<UInt64>) {
        self.key = key
        self.range = range
    }
}

/// The objects of filters of a store that several machines share.
///
/// A key is never written twice, so what was read of it stays true. All calls block. Several threads may call at once.
public protocol FilterObjects: Sendable {
    /// Reads ranges, several requests at once, and returns them in the same order. A range that the object does not have
    /// completely is a failure.
    func read(_ ranges: [ObjectRange]) -> [Result<[UInt8], BlockIndexError>]

    /// Writes an object of this content. Another object of this key is not replaced.
    ///
    /// - Throws: ``BlockIndexError`` when it cannot be written.
    func put(_ key: String, _ bytes: [UInt8]) throws(BlockIndexError)

    /// Writes an object of the content of a file.
    ///
    /// - Parameters:
    ///   - descriptor: the file, open for reading at offsets; it stays the caller's.
    ///   - size: its size in bytes.
    /// - Throws: ``BlockIndexError`` when the object cannot be written, or the file cannot be read.
    func put(_ key: String, from descriptor: Int32, size: UInt64) throws(BlockIndexError)

    /// Copies an object into a file, from its current position on.
    ///
    /// - Throws: ``BlockIndexError`` when the object cannot be read, or the file cannot be written.
    func copy(_ key: String, to descriptor: Int32) throws(BlockIndexError)
}

extension FilterObjects {
    /// Reads ranges, with one request for those of an object that are near each other.
    ///
    /// - Parameter gap: bytes between two ranges that are read too, rather than requested separately.
    public func read(_ ranges: [ObjectRange], joiningGapsOf gap: UInt64) -> [Result<[UInt8], BlockIndexError>] {
        let order = ranges.indices.sorted {
            let (left, right) = (ranges[$0], ranges[$1])
            return left.key == right.key
                ? left.range.lowerBound < right.range.lowerBound : left.key < right.key
        }
        var joined: [ObjectRange] = []
        var place = [Int](repeating: 0, count: ranges.count)
        for index in order {
            let next = ranges[index]
            if let last = joined.last, last.key == next.key, next.range.lowerBound <= last.range.upperBound &+ gap {
                joined[joined.count - 1].range =
                    last.range.lowerBound..<max(last.range.upperBound, next.range.upperBound)
            } else {
                joined.append(next)
            }
            place[index] = joined.count - 1
        }
        let found = read(joined)
        return ranges.indices.map { index in
            let whole = joined[place[index]].range
            guard found.indices.contains(place[index]) else { return .failure(Self.short(ranges[index].key)) }
            return found[place[index]].flatMap { bytes in
                let start = Int(ranges[index].range.lowerBound - whole.lowerBound)
                guard start + ranges[index].range.count <= bytes.count else {
                    return .failure(Self.short(ranges[index].key))
                }
                return .success(Array(bytes[start..<start + ranges[index].range.count]))
            }
        }
    }

    private static func short(_ key: String) -> BlockIndexError {
        BlockIndexError(code: .object, message: "the filters were not read completely", path: key)
    }
}
