internal import Bytes
internal import CFilter

/// The filters of a few packs that were published one after another, as one object.
///
/// The object consists of records ("SVF3", see `FilterRow`), an index and a trailer. One request for its end returns the
/// trailer and mostly the index:
///
///     records, each a multiple of 8 bytes
///     index: for each record u64 hash of the pack's path, u64 offset of the record, u64 size of the pack
///     trailer of 48 bytes:
///      0 u64 offset of the index    8 u64 length of the object    16 u32 records    20 u32 CRC-32C of the index
///     24 u32 version: 1            28 u32 CRC-32C of the 28 bytes before   32 u64 blocks   40 "SALVSEGM"
public struct FilterSegment: Sendable {
    /// The bytes of the object.
    public let bytes: [UInt8]
    /// Offsets of the records that belong to it.
    let offsets: [Int]

    static let trailerSize = 48
    static let entrySize = 24
    static let magic = Array("SALVSEGM".utf8)
    static let version: UInt32 = 1

    /// Encodes the records of packs.
    ///
    /// - Returns: the object, with the number of packs and blocks in it; records that are not valid are left out.
    public static func encode(_ records: [[UInt8]]) -> (bytes: [UInt8], packs: Int, blocks: Int) {
        var out = ByteWriter(capacity: records.reduce(trailerSize) { $0 + $1.count + entrySize })
        var index = ByteWriter()
        var packs = 0
        var blocks = 0
        for record in records {
            record.withUnsafeBytes { bytes in
                guard let row = FilterRow(bytes), row.totalLength == bytes.count else { return }
                index.put(FilterDay.key(row.path))
                index.put(UInt64(out.bytes.count))
                index.put(row.packBytes)
                packs += 1
                blocks += row.blocks
                out.put(bytes: bytes)
            }
        }
        let start = out.bytes.count
        out.put(bytes: index.bytes)
        var trailer = ByteWriter(capacity: trailerSize)
        trailer.put(UInt64(start))
        trailer.put(UInt64(start + index.bytes.count + trailerSize))
        trailer.put(UInt32(packs))
        trailer.put(index.bytes.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress, $0.count) })
        trailer.put(version)
        trailer.put(trailer.bytes.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress, $0.count) })
        trailer.put(UInt64(blocks))
        trailer.put(bytes: magic)
        out.put(bytes: trailer.bytes)
        return (out.bytes, packs, blocks)
    }

    /// Reads an object.
    ///
    /// - Throws: ``BlockIndexError`` when its end is damaged. A damaged record is found when it is read.
    public init(_ bytes: [UInt8], key: String) throws(BlockIndexError) {
        guard let offsets = bytes.withUnsafeBytes(Self.offsets) else {
            throw BlockIndexError(code: .object, message: "the segment of filters is damaged", path: key)
        }
        self.bytes = bytes
        self.offsets = offsets
    }

    private static func offsets(_ bytes: UnsafeRawBufferPointer) -> [Int]? {
        guard bytes.count >= trailerSize else { return nil }
        let trailer = UnsafeRawBufferPointer(rebasing: bytes.suffix(trailerSize))
        guard trailer.suffix(8).elementsEqual(magic), trailer.integer(at: 24, as: UInt32.self) == version,
            salvage_crc32c(0, trailer.baseAddress, 28) == trailer.integer(at: 28, as: UInt32.self),
            trailer.integer(at: 8, as: UInt64.self) == UInt64(bytes.count),
            let start = trailer.integer(at: 0, as: UInt64.self), let count = trailer.integer(at: 16, as: UInt32.self),
            start <= UInt64(bytes.count - trailerSize),
            UInt64(count) * UInt64(entrySize) == UInt64(bytes.count - trailerSize) - start
        else { return nil }
        let index = UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<bytes.count - trailerSize])
        guard salvage_crc32c(0, index.baseAddress, index.count) == trailer.integer(at: 20, as: UInt32.self) else {
            return nil
        }
        var offsets: [Int] = []
        for entry in 0..<Int(count) {
            guard let offset = index.integer(at: entry * entrySize + 8, as: UInt64.self), offset < start,
                offset % 8 == 0
            else { return nil }
            offsets.append(Int(offset))
        }
        return offsets
    }

    /// Calls `body` with each record; nil for a damaged one.
    func forEachRow(_ body: (FilterRow?) -> Void) {
        bytes.withUnsafeBytes { bytes in
            for offset in offsets { body(FilterRow(UnsafeRawBufferPointer(rebasing: bytes[offset...]))) }
        }
    }

    /// Whether all records are sound.
    public var isWhole: Bool {
        var isWhole = true
        forEachRow { isWhole = isWhole && $0 != nil }
        return isWhole
    }
}

/// Collects the records of packs until they are worth an object.
///
/// A state machine without a clock of its own: times are milliseconds since 1970.
public struct FilterBatch: Sendable {
    /// Most packs in one object.
    public static let mostPacks = 64
    /// How long the first record waits for others, in milliseconds.
    public static let longestWait: Int64 = 15_000
    /// Most bytes of records in one object, apart from a single larger record.
    static let mostBytes = 32 << 20

    private var records: [[UInt8]] = []
    private var bytes = 0
    private var since: Int64 = 0

    /// Creates an empty batch.
    public init() {}

    /// Number of packs that wait.
    public var count: Int { records.count }

    /// Adds a pack's record, as `FilterLog.placedRecord` makes it.
    public mutating func add(_ record: [UInt8], now: Int64) {
        if records.isEmpty { since = now }
        records.append(record)
        bytes += record.count
    }

    /// Whether the object should be written now.
    public func isDue(now: Int64) -> Bool {
        !records.isEmpty
            && (records.count >= Self.mostPacks || bytes >= Self.mostBytes || now >= since &+ Self.longestWait
                || now < since)
    }

    /// When the object is due at the latest; nil without records.
    public var deadline: Int64? { records.isEmpty ? nil : since &+ Self.longestWait }

    /// Takes all records as an object, and starts again.
    ///
    /// - Parameters:
    ///   - harvester: the machine's name among the harvesters.
    ///   - random: a number that no other object of this machine and millisecond has.
    /// - Returns: nil without a valid record.
    public mutating func take(now: Int64, harvester: String, random: UInt32) -> NewFilterObject? {
        let (bytes, packs, blocks) = FilterSegment.encode(records)
        records = []
        self.bytes = 0
        guard packs > 0 else { return nil }
        let name = FilterKey(level: .segment, time: now, maker: harvester, random: random)
        return NewFilterObject(
            record: FilterObject(
                key: name.description, day: name.day, level: .segment, blocks: UInt64(blocks),
                bytes: UInt64(bytes.count)),
            bytes: bytes)
    }
}

/// An object that is to be written.
public struct NewFilterObject: Sendable, Equatable {
    /// What the catalog records of it.
    public var record: FilterObject
    /// Its content.
    public var bytes: [UInt8]
}
