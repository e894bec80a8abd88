/// The members of a pack that is being written, as rows of the table that its footer will hold.
///
/// With a file behind it, a million members take no more memory than a thousand. One thread may use it at a time.
final class MemberLog {
    /// Where a member's content begins; known only once its first block is on its way.
    private struct Place: BitwiseCopyable {
        var block: UInt32
        var offset: UInt32
    }

    private let rows: PagedBytes
    private let places: PagedBytes
    /// Where every so manieth row begins.
    private var marks: [UInt64] = []
    private static let stride = 64
    /// The row found last, so that rows in order are found at once.
    private var last: (index: Int, offset: UInt64) = (0, 0)

    /// Members that have ended.
    private(set) var count = 0

    init(file: PageFile?) {
        rows = PagedBytes(file: file)
        places = PagedBytes(file: file)
    }

    /// Bytes of the whole table.
    var size: UInt64 { rows.count }

    /// Adds a member that has ended.
    func append(_ member: Member) throws(PackError) {
        if count % Self.stride == 0 { marks.append(rows.count) }
        var row = LittleEndianWriter()
        MemberTable.encode(member, into: &row)
        try Self.with(row.bytes) { (bytes) throws(PackError) in try rows.append(bytes) }
        count += 1
    }

    /// Says where the content of a member begins, be it ended or not.
    func place(_ index: Int, block: UInt32, offset: UInt32) throws(PackError) {
        try places.store(Place(block: block, offset: offset), index)
    }

    /// A member that has ended; what is added up over its blocks is not known yet.
    func member(_ index: Int) throws(PackError) -> Member {
        guard index >= 0, index < count else { throw PackError(.outOfRange, "there is no member \(index)") }
        let row = try row(try offset(of: index))
        var member = try row.withUnsafeBytes { raw in
            Result { () throws(PackError) in
                var cursor = LittleEndianCursor(UnsafeRawBufferPointer(rebasing: raw[4...]))
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

    /// Hands out all rows in order, complete, in pieces of any size.
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

    /// Length of the row at `offset` behind the field that says it.
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
        // Typed throws do not pass through the closure of withUnsafeBytes everywhere, hence the result.
        try bytes.withUnsafeBytes { raw in Result { () throws(PackError) in try body(raw) } }.get()
    }
}

/// What is added up over the blocks of a member.
struct MemberTally: BitwiseCopyable {
    /// Its share of the compressed bytes.
    var stored: UInt64 = 0
    /// Lines, a last one without a newline included.
    var lines: UInt64 = 0
}
