import CFilter

/// The n-gram filter of a block: a one-hash bitmap about half full, over ASCII-folded 5-grams and over 4- and 3-grams
/// without digits and newlines ("m3" of the log-search study).
///
/// Format 2 improves on format 1 for text that its grams distinguished badly. Within dotted numbers, 6-grams replace
/// 5-grams: a few hundred addresses contain nearly every 5-gram of any address. A 5-gram that ends a word with digits
/// (`lf261`) sets two bits: names often differ only in their number.
///
/// Filters have no false negatives. One that cannot be read (an unknown format, a bad checksum, an odd length) always
/// says "may match".
public enum BlockFilter {
    /// The format that is written, as stored in the block table.
    public static let format: UInt16 = 2
    /// Whether filters of this format can be queried; any other always says "may match".
    public static func isKnown(_ format: UInt16) -> Bool { format == 1 || format == 2 }
    /// Size of the largest filter, in bytes.
    public static let maxSize = Int(SALVAGE_FILTER_MASTER_BYTES)

    /// The filter of `bytes`.
    public static func build(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let builder = FilterBuilder()
        return Array(builder.build(bytes))
    }
}

/// Builds filters one at a time in a reused buffer. One per thread.
final class FilterBuilder {
    private let seen: UnsafeMutablePointer<UInt8>
    private let master: UnsafeMutablePointer<UInt64>
    private let filter: UnsafeMutablePointer<UInt64>
    private static let words = BlockFilter.maxSize / 8

    init() {
        seen = .allocate(capacity: Int(SALVAGE_FILTER_PLACES))
        master = .allocate(capacity: Self.words)
        filter = .allocate(capacity: Self.words)
    }

    deinit {
        seen.deallocate()
        master.deallocate()
        filter.deallocate()
    }

    /// The filter of `bytes`, valid until the next call.
    func build(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        seen.update(repeating: 0, count: Int(SALVAGE_FILTER_PLACES))
        if let base = bytes.baseAddress {
            salvage_filter_add(seen, base.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
        salvage_filter_gather(seen, master)
        let bits = salvage_filter_bits(master)
        salvage_filter_fold(master, seen, filter, bits)
        return UnsafeRawBufferPointer(start: filter, count: Int(bits) / 8)
    }
}

/// The grams of one literal, precomputed to query many filters.
public struct FilterProbe: Sendable, Hashable {
    /// The bit positions of the grams in a filter of 2^18 bits, the most selective first.
    public let places: [UInt32]
    /// The same for filters of the first format.
    private let firstPlaces: [UInt32]

    /// Most grams queried: more rarely exclude another block.
    static let maxPlaces = 64

    /// Computes the grams of `literal`; upper-case ASCII letters are folded.
    ///
    /// Grams that contain a byte of `leavingOut` are not queried: a search that folds more than ASCII needs this to
    /// have no false negatives.
    public init(_ literal: [UInt8], leavingOut: Set<UInt8> = []) {
        var skip = [UInt8](repeating: 0, count: 256)
        for byte in leavingOut { skip[Int(byte)] = 1 }
        places = Self.places(literal, skip, format: BlockFilter.format)
        firstPlaces = Self.places(literal, skip, format: 1)
    }

    private static func places(_ literal: [UInt8], _ skip: [UInt8], format: UInt16) -> [UInt32] {
        var found = [UInt32](repeating: 0, count: maxPlaces)
        let count = salvage_filter_places(Int32(format), literal, literal.count, skip, &found, found.count)
        return Array(found.prefix(count))
    }

    /// Whether the literal has no gram to query, so that every block may contain it.
    public var isEmpty: Bool { places.isEmpty && firstPlaces.isEmpty }

    /// Whether a block with this filter (checksum verified by the caller) may contain the literal.
    public func mayMatch(_ filter: UnsafeRawBufferPointer, format: UInt16 = BlockFilter.format) -> Bool {
        missing(in: filter, format: format) == nil
    }

    /// When the filter excludes the literal, the offset of a filter byte that lacks a gram's bit; nil when the block
    /// may contain the literal, and for every filter of an unknown format.
    public func missing(in filter: UnsafeRawBufferPointer, format: UInt16 = BlockFilter.format) -> Int? {
        guard BlockFilter.isKnown(format) else { return nil }
        return Self.missing(format == 1 ? firstPlaces : places, in: filter)
    }

    private static func missing(_ places: [UInt32], in filter: UnsafeRawBufferPointer) -> Int? {
        let count = filter.count
        guard let base = filter.baseAddress, count >= 8, count % 8 == 0, count <= BlockFilter.maxSize else {
            return nil
        }
        let bits = UInt64(count) &* 8
        for place in places {
            let at = (UInt64(place) &* bits) >> UInt64(SALVAGE_FILTER_MASTER_BITS)
            let byte = base.load(fromByteOffset: Int(truncatingIfNeeded: at >> 3), as: UInt8.self)
            if byte & (1 << UInt8(truncatingIfNeeded: at & 7)) == 0 { return Int(truncatingIfNeeded: at >> 3) }
        }
        return nil
    }
}
