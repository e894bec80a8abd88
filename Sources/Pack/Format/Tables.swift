import Bytes

/// The block table: rows of fixed length.
enum BlockTable {
    static let rowSize = 72
    private static let unknownTime = Int64.min

    static func encode(_ blocks: [Block]) -> [UInt8] {
        var out = ByteWriter()
        for block in blocks {
            out.put(block.offset)
            out.put(block.storedSize)
            out.put(block.rawSize)
            out.put(block.firstLine)
            out.put(block.minTime ?? unknownTime)
            out.put(block.maxTime ?? unknownTime)
            out.put(block.filter?.offset ?? 0)
            out.put(block.filter?.length ?? 0)
            out.put(block.filter?.checksum ?? 0)
            out.put(block.filter?.format ?? 0)
            out.put(block.flags.rawValue)
            out.put(UInt64(0))
            out.put(UInt32(0))
        }
        return out.bytes
    }

    /// Reads the table and rejects rows that point outside the first `limit` bytes of the file.
    static func decode(_ bytes: UnsafeRawBufferPointer, limit: UInt64) throws(PackError) -> [Block] {
        guard bytes.count % rowSize == 0, bytes.count / rowSize < Int(UInt32.max) else {
            throw PackError(.damagedSection, "the block table has a broken row")
        }
        var cursor = ByteReader(bytes)
        var blocks: [Block] = []
        blocks.reserveCapacity(bytes.count / rowSize)
        while cursor.remaining > 0 {
            var block = Block(offset: try cursor.take(), storedSize: try cursor.take(), rawSize: try cursor.take())
            block.firstLine = try cursor.take()
            let minTime: Int64 = try cursor.take()
            let maxTime: Int64 = try cursor.take()
            block.minTime = minTime == unknownTime ? nil : minTime
            block.maxTime = maxTime == unknownTime ? nil : maxTime
            let filter = FilterReference(
                offset: try cursor.take(), length: try cursor.take(), checksum: try cursor.take(),
                format: try cursor.take())
            block.flags = BlockFlags(rawValue: try cursor.take())
            _ = try cursor.take(bytes: 12)
            let (end, overflow) = block.offset.addingReportingOverflow(UInt64(block.storedSize))
            guard !overflow, end <= limit, Int(block.storedSize) <= PackFormat.maxFrameSize,
                Int(block.rawSize) <= PackFormat.blockSize
            else {
                throw PackError(.damagedSection, "block \(blocks.count) is outside the file or too large")
            }
            let (filterEnd, filterOverflow) = filter.offset.addingReportingOverflow(UInt64(filter.length))
            // A filter with an impossible location is dropped: the block may then match anything.
            if filter.format != 0, !filterOverflow, filterEnd <= limit, Int(filter.length) <= PackFormat.blockSize {
                block.filter = filter
            }
            blocks.append(block)
        }
        return blocks
    }
}

/// The member table: rows of variable length, each preceded by its length.
enum MemberTable {
    /// Bytes of a row before its path, without the length field.
    private static let fixedSize = 108
    /// Offsets in a row, including the length field, of fields that are set or corrected later.
    static let kindOffset = 8
    private static let tallyOffset = 44
    static let hashOffset = 68
    private static let noLink = UInt32.max

    static func encode(_ member: Member, into out: inout ByteWriter) {
        let start = out.bytes.count
        out.put(UInt32(0))
        out.put(member.artifact)
        out.put(member.kind.rawValue)
        out.put(member.timeFormat)
        out.put(UInt16(0))
        out.put(member.flags.rawValue)
        out.put(member.mode)
        out.put(member.uid)
        out.put(member.gid)
        out.put(member.mtime)
        out.put(member.size)
        out.put(member.stored)
        out.put(member.lineCount)
        out.put(member.firstBlock)
        out.put(member.blockOffset)
        out.put(bytes: member.sha256.prefix(32))
        out.put(bytes: repeatElement(0, count: 32 - min(member.sha256.count, 32)))
        out.put(UInt32(truncatingIfNeeded: member.path.count))
        out.put(member.linkTarget.map { UInt32(truncatingIfNeeded: $0.count) } ?? noLink)
        out.put(UInt32(truncatingIfNeeded: member.holes.count))
        out.put(bytes: member.path)
        out.put(bytes: member.linkTarget ?? [])
        for hole in member.holes {
            out.put(hole.offset)
            out.put(hole.length)
        }
        if member.counterStart != 0 { out.put(member.counterStart) }
        out.patch(UInt32(truncatingIfNeeded: out.bytes.count - start - 4), at: start)
    }

    /// Fills in the fields of a row that are known only once all blocks are written.
    static func complete(_ row: inout [UInt8], stored: UInt64, lines: UInt64, firstBlock: UInt32, blockOffset: UInt32) {
        guard row.count >= hashOffset else { return }
        row.withUnsafeMutableBytes { raw in
            raw.storeBytes(of: stored.littleEndian, toByteOffset: tallyOffset, as: UInt64.self)
            raw.storeBytes(of: lines.littleEndian, toByteOffset: tallyOffset + 8, as: UInt64.self)
            raw.storeBytes(of: firstBlock.littleEndian, toByteOffset: tallyOffset + 16, as: UInt32.self)
            raw.storeBytes(of: blockOffset.littleEndian, toByteOffset: tallyOffset + 20, as: UInt32.self)
        }
    }

    /// Reads the table and rejects members whose content is not within `blocks`.
    static func decode(_ bytes: UnsafeRawBufferPointer, blocks: [Block]) throws(PackError) -> [Member] {
        let ends = blockEnds(blocks)
        var cursor = ByteReader(bytes)
        var members: [Member] = []
        while cursor.remaining > 0 {
            let length = Int(try cursor.take(UInt32.self))
            guard length >= fixedSize else { throw PackError(.damagedSection, "the member table has a broken row") }
            var row = ByteReader(try cursor.take(bytes: length))
            let member = try decodeRow(&row)
            let name = "member \(members.count)"
            try check(member, ends: ends, name)
            members.append(member)
        }
        return members
    }

    static func decodeRow(_ row: inout ByteReader) throws(PackError) -> Member {
        let artifact: UInt32 = try row.take()
        let kindByte: UInt8 = try row.take()
        let timeFormat: UInt8 = try row.take()
        _ = try row.take(UInt16.self)
        // The bytes of a kind from a later version can still be read.
        let kind = MemberKind(rawValue: kindByte) ?? .binary
        var member = Member(MemberHeader(artifact: artifact, path: [], kind: kind, timeFormat: timeFormat))
        member.flags = MemberFlags(rawValue: try row.take())
        member.mode = try row.take()
        member.uid = try row.take()
        member.gid = try row.take()
        member.mtime = try row.take()
        member.size = try row.take()
        member.stored = try row.take()
        member.lineCount = try row.take()
        member.firstBlock = try row.take()
        member.blockOffset = try row.take()
        member.sha256 = Array(try row.take(bytes: 32))
        let pathSize: UInt32 = try row.take()
        let linkSize: UInt32 = try row.take()
        let holeCount: UInt32 = try row.take()
        member.path = Array(try row.take(bytes: Int(pathSize)))
        if linkSize != noLink { member.linkTarget = Array(try row.take(bytes: Int(linkSize))) }
        guard row.remaining / 16 >= Int(holeCount) else {
            throw PackError(.damagedSection, "the member table has a broken row")
        }
        member.holes.reserveCapacity(Int(holeCount))
        for _ in 0..<holeCount {
            member.holes.append(Hole(offset: try row.take(), length: try row.take()))
        }
        if row.remaining >= 8 { member.counterStart = try row.take() }
        return member
    }

    private static func check(_ member: Member, ends: [UInt64], _ name: String) throws(PackError) {
        var position: UInt64 = 0
        var holes: UInt64 = 0
        for hole in member.holes {
            let (end, overflow) = hole.offset.addingReportingOverflow(hole.length)
            guard hole.length > 0, hole.offset >= position, !overflow, end <= member.size else {
                throw PackError(.damagedSection, "\(name) has impossible holes")
            }
            position = end
            holes &+= hole.length
        }
        let content = member.size - holes
        guard content > 0 else { return }
        let first = Int(member.firstBlock)
        guard first < ends.count else {
            throw PackError(.damagedSection, "\(name) begins in a block that does not exist")
        }
        let start = first == 0 ? 0 : ends[first - 1]
        let (end, overflow) = (start &+ UInt64(member.blockOffset)).addingReportingOverflow(content)
        guard start &+ UInt64(member.blockOffset) < ends[first], !overflow, end <= ends[ends.count - 1] else {
            throw PackError(.damagedSection, "\(name) does not fit into its blocks")
        }
    }

    /// For each block, the sum of raw sizes up to its end.
    static func blockEnds(_ blocks: [Block]) -> [UInt64] {
        var total: UInt64 = 0
        return blocks.map { block in
            total += UInt64(block.rawSize)
            return total
        }
    }
}

/// Crash records: JSON texts, each preceded by its length.
enum CrashTable {
    static func encode(_ records: [[UInt8]]) -> [UInt8] {
        var out = ByteWriter()
        for record in records {
            out.put(UInt32(truncatingIfNeeded: record.count))
            out.put(bytes: record)
        }
        return out.bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) throws(PackError) -> [[UInt8]] {
        var cursor = ByteReader(bytes)
        var records: [[UInt8]] = []
        while cursor.remaining > 0 {
            let length: UInt32 = try cursor.take()
            records.append(Array(try cursor.take(bytes: Int(length))))
        }
        return records
    }
}
