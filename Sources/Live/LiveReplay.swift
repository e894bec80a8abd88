internal import Glibc
internal import Pack

/// The progress of a connection through the part of a log that is already stored.
struct LiveReplay {
    /// Number of bytes that the connection has sent.
    var received: UInt64 = 0
    /// The received bytes of a chunk that is not complete yet.
    var partial: [UInt8] = []
    /// The block that the connection is in, and its file.
    var block: LiveBlock?
    var file: LiveFile?

    /// Number of bytes that are known to be equal.
    var verified: UInt64 { received &- UInt64(partial.count) }
}

extension LiveLog {
    /// Notes that a new connection replays the log from the start.
    ///
    /// - Throws: what ``endConnection(_:)`` throws.
    public func reconnected(_ compressor: BlockCompressor) throws {
        try endConnection(compressor)
        replay = LiveReplay()
    }

    /// Notes that the connection has ended: an incomplete chunk is compared byte by byte.
    ///
    /// - Throws: ``LiveFailure`` or `PackError`.
    public func endConnection(_ compressor: BlockCompressor) throws {
        guard !replay.partial.isEmpty else { return }
        let sent = replay.partial
        let snapshot = try LiveSnapshot(folder: folder, generation: generation)
        let stored = try snapshot.bytes(from: replay.verified, to: replay.received)
        guard stored != sent else { return }
        _ = try differ(sent, compressor)
    }

    /// Compares the next bytes of a replay with what is stored; counts them in ``consumed``.
    ///
    /// - Returns: false when they differ and no further generation may begin.
    func recognise(_ rest: UnsafeRawBufferPointer, _ compressor: BlockCompressor) throws -> Bool {
        guard replay.received < sealed else { return try recogniseTail(rest, compressor) }
        let block = try currentBlock()
        let place = Int(replay.verified &- block.rawOffset)
        let length = min(LiveBlock.chunkSize, block.rawSize - place)
        let part = rest.prefix(length - replay.partial.count)
        replay.partial += part
        replay.received &+= UInt64(part.count)
        consumed += part.count
        guard replay.partial.count == length else { return true }
        let chunk = place / LiveBlock.chunkSize
        if block.chunks.indices.contains(chunk), LiveBlock.hash(replay.partial) == block.chunks[chunk] {
            replay.partial.removeAll(keepingCapacity: true)
            if replay.received == sealed {
                // The rest is compared with the tail: the block's file need not stay open for hours.
                let received = replay.received
                replay = LiveReplay()
                replay.received = received
            }
            return true
        }
        return try differ(replay.partial, compressor)
    }

    private func currentBlock() throws -> LiveBlock {
        if let block = replay.block, replay.verified < block.rawOffset &+ UInt64(block.rawSize) { return block }
        let file = try replay.file ?? LiveFile(blocksPath)
        replay.file = file
        guard let next = try LiveSnapshot.header(file, at: replay.block?.end ?? 0), next.rawOffset == replay.verified
        else {
            throw PackError(.damagedBlock, "a sealed block is damaged", path: blocksPath)
        }
        replay.block = next
        return next
    }

    private func recogniseTail(_ rest: UnsafeRawBufferPointer, _ compressor: BlockCompressor) throws -> Bool {
        let wanted = min(rest.count, Int(clamping: bytes &- replay.received), PackFormat.blockSize)
        let stored = try tail.read(at: replay.received &- tailBase, count: wanted)
        let same = stored.withUnsafeBytes { bytes -> Int in
            if let left = bytes.baseAddress, let right = rest.baseAddress, memcmp(left, right, bytes.count) == 0 {
                return bytes.count
            }
            return zip(bytes, rest).prefix { $0 == $1 }.count
        }
        replay.received &+= UInt64(same)
        consumed += same
        guard same < wanted else { return true }
        return try differ([], compressor)
    }

    /// Begins a new generation: after ``LiveReplay/verified`` the replay differs from the stored log and continues with
    /// `sent`.
    ///
    /// - Returns: false when no further generation may begin, or the limit is reached.
    private func differ(_ sent: [UInt8], _ compressor: BlockCompressor) throws -> Bool {
        guard generation + 1 < LiveLog.mostGenerations else { return false }
        try beginGeneration(after: replay.verified)
        replay = LiveReplay()
        replay.received = bytes
        let taken = consumed
        defer { consumed = taken }
        let isWhole = try sent.withUnsafeBytes { try sent.isEmpty || take($0, compressor) }
        return isWhole
    }

    /// Starts a new generation with the first `common` bytes of this one.
    private func beginGeneration(after common: UInt64) throws {
        let old = try LiveSnapshot(folder: folder, generation: generation)
        let next = generation + 1
        let kept = Array(old.blocks.prefix { $0.rawOffset &+ UInt64($0.rawSize) <= common })
        let sealed = kept.last.map { $0.rawOffset &+ UInt64($0.rawSize) } ?? 0
        // Remove what a run left that was killed while it did this.
        for name in try LiveFile.names(in: folder) where LiveName.parse(name)?.generation == next {
            unlink(folder + "/" + name)
        }
        if let end = kept.last?.end { try copyBlocks(to: folder + "/" + LiveName.blocks(next), upTo: end) }
        let fresh = try LiveFile(
            folder + "/" + LiveName.tail(next, sealed), flags: O_RDWR | O_CREAT | O_TRUNC)
        let rest = try old.bytes(from: sealed, to: common)
        try fresh.append(rest, at: 0)
        generation = next
        last = kept.last
        tail = fresh
        tailBase = sealed
        bytes = common
    }

    private func copyBlocks(to path: String, upTo end: UInt64) throws {
        let from = try LiveFile(blocksPath)
        let to = try LiveFile(path, flags: O_RDWR | O_CREAT | O_TRUNC)
        var offset: UInt64 = 0
        while offset < end {
            let piece = try from.read(at: offset, count: Int(clamping: min(end - offset, 1 << 20)))
            guard !piece.isEmpty else { throw PackError(.damagedBlock, "the file ends too early", path: blocksPath) }
            try to.append(piece, at: offset)
            offset &+= UInt64(piece.count)
        }
        try to.sync()
    }
}
