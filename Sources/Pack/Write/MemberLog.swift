import Bytes

/// The members of a pack being written, as rows of the member table for its footer.
///
/// With a file, memory use hardly grows with the number of members. One thread may use it at a time.
final class MemberLog {
    /// Where a member's content begins; known once its first block is submitted.
    private struct Place: BitwiseCopyable {
        var block: UInt32
        var offset: UInt32
    }

    private let rows: PagedBytes
    private let places: PagedBytes
    /// Offsets of every `stride`-th row.
    private var marks: [UInt64] = []
    private static let stride = 64
    /// The last row looked up, which makes sequential access fast.
    private var last: (index: Int, offset: UInt64) = (0, 0)

    /// Number of members that have ended.
    private(set) var count = 0

    init(file: PageFile?) {
        rows = PagedBytes(file: file)
        places = PagedBytes(file: file)
    }

    /// Size of the whole table in bytes.
    var size: UInt64 { rows.count }

    /// Adds a member that has ended.
    func append(_ member: Member) throws(PackError) {
        if count % Self.stride == 0 { marks.append(rows.count) }
        var row = ByteWriter()
        MemberTable.encode(member, into: &row)
        try Self.with(row.bytes) { (bytes) throws(PackError) in try rows.append(bytes) }
        count += 1
    }

    /// Sets where the content of a member begins, whether it has ended or not.
    func place(_ index: Int, block: UInt32, offset: UInt32) throws(PackError) {
        try places.store(Place(block: block, offset: offset), index)
    }

    /// Returns a member that has ended, without its totals.
    func member(_ index: Int) throws(PackError) -> Member {
        guard index >= 0, index < count else { throw PackError(.outOfRange, "there is no member \(index)") }
        let row = try row(try offset(of: index))
        var member = try row.withUnsafeBytes { raw in
            Result { () throws(PackError) in
                var cursor = ByteReader(UnsafeRawBufferPointer(rebasing: raw[4...]))
                return try MemberTable.decodeRow(&cursor)
            }
        }.get()
        let place = try places.load(index, as: Place.self)
        member.firstBlock = place.block
        member.blockOffset = place.offset
        return member
    }

    /// Corrects a member's kind.
    func amend(_ index: Int, kind: MemberKind) throws(PackError) {
        try patch(index, [kind.rawValue], at: MemberTable.kindOffset)
    }

    /// Corrects a member's hash.
    func amend(_ index: Int, sha256: [UInt8]) throws(PackError) {
        try patch(index, Array(sha256.prefix(32)), at: MemberTable.hashOffset)
    }

    /// Passes all rows to `take`, completed and in order, in pieces of any size.
    func write(
        tallies: PagedBytes, _ take: (UnsafeRawBufferPointer) throws(PackError) -> Void
    ) throws(PackError) {
        var gathered: [UInt8] = []
        for index in 0..<count {
            var row = try row(try offset(of: index))
            let place = try places.load(index, as: Place.self)
            let tally = try tallies.load(index, as: MemberTally.self)
            MemberTable.complete(
                &row, stored: tally.stored, lines: tally.lines, firstBlock: place.block, blockOffset: place.offset)
            gathered += row
            guard gathered.count >= 64 << 10 || index == count - 1 else { continue }
            try Self.with(gathered, take)
            gathered.removeAll(keepingCapacity: true)
        }
    }

    // MARK: Rows

    private func offset(of index: Int) throws(PackError) -> UInt64 {
        if last.index > index || last.index / Self.stride < index / Self.stride {
            last = (index / Self.stride * Self.stride, marks[index / Self.stride])
        }
        while last.index < index { last = (last.index + 1, last.offset &+ 4 &+ UInt64(try length(at: last.offset))) }
        return last.offset
    }

    /// Length of the row at `offset`, without the length field.
    private func length(at offset: UInt64) throws(PackError) -> UInt32 {
        var length: UInt32 = 0
        let outcome = withUnsafeMutableBytes(of: &length) { raw in
            Result { () throws(PackError) in try rows.read(at: offset, into: raw) }
        }
        try outcome.get()
        return UInt32(littleEndian: length)
    }

    private func row(_ offset: UInt64) throws(PackError) -> [UInt8] {
        var row = [UInt8](repeating: 0, count: 4 + Int(try length(at: offset)))
        let outcome = row.withUnsafeMutableBytes { raw in
            Result { () throws(PackError) in try rows.read(at: offset, into: raw) }
        }
        try outcome.get()
        return row
    }

    private func patch(_ index: Int, _ bytes: [UInt8], at position: Int) throws(PackError) {
        guard index >= 0, index < count else { throw PackError(.outOfRange, "there is no member \(index)") }
        let start = try offset(of: index) &+ UInt64(position)
        try Self.with(bytes) { (raw) throws(PackError) in try rows.write(raw, at: start) }
    }

    private static func with(
        _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(PackError) -> Void
    ) throws(PackError) {
        // Not every toolchain's withUnsafeBytes supports typed throws, hence the Result.
        try bytes.withUnsafeBytes { raw in Result { () throws(PackError) in try body(raw) } }.get()
    }
}

/// The totals of a member over its blocks.
struct MemberTally: BitwiseCopyable {
    /// Its share of the compressed bytes.
    var stored: UInt64 = 0
    /// Number of lines, including a last one without a newline.
    var lines: UInt64 = 0
}
