internal import Files
internal import Glibc
internal import Pack
internal import Synchronization

/// One generation of a followed log at the moment it was opened. It can be read while `watch` continues to write.
public final class LiveSnapshot: Sendable {
    /// The number of the generation: 0 is the oldest, the highest is the one that is followed.
    public let generation: Int
    /// The sealed blocks in order.
    public let blocks: [LiveBlock]
    /// The bytes that are not sealed yet: everything after the last block.
    public let tail: [UInt8]
    private let file: LiveFile?
    private let held = Mutex<Held>(Held())

    private struct Held: ~Copyable {
        var block = -1
        var bytes: [UInt8] = []
    }

    /// Number of bytes of the log in sealed blocks.
    public var sealed: UInt64 { blocks.last.map { $0.rawOffset &+ UInt64($0.rawSize) } ?? 0 }
    /// Size of the log in bytes.
    public var size: UInt64 { sealed &+ UInt64(tail.count) }
    /// Number of the first line of the tail, from 1; the last block may hold the beginning of that line.
    public var tailLine: UInt64 { blocks.last.map { $0.firstLine &+ UInt64($0.lines) } ?? 1 }

    /// Reads one generation.
    ///
    /// - Throws: ``LiveFailure`` when the files cannot be read, or the log was removed meanwhile.
    public init(folder: String, generation: Int) throws(LiveFailure) {
        self.generation = generation
        // The writer may seal a block between the two reads; the next try finds the matching tail.
        for _ in 0..<50 {
            let file = try LiveFile.ifThere(folder + "/" + LiveName.blocks(generation))
            let blocks = if let file { try LiveSnapshot.scan(file) } else { [LiveBlock]() }
            let sealed = blocks.last.map { $0.rawOffset &+ UInt64($0.rawSize) } ?? 0
            if let tail = try LiveSnapshot.tail(folder, generation, from: sealed) {
                self.file = file
                self.blocks = blocks
                self.tail = tail
                return
            }
            usleep(2000)
        }
        throw LiveFailure(failure: FileFailure("read", folder, errno: ENOENT))
    }

    /// Every generation in a folder, oldest first.
    ///
    /// - Throws: ``LiveFailure`` when one of them cannot be read.
    public static func all(folder: String) throws(LiveFailure) -> [LiveSnapshot] {
        var found: [LiveSnapshot] = []
        for generation in LiveName.generations(try LiveFile.names(in: folder)) {
            found.append(try LiveSnapshot(folder: folder, generation: generation))
        }
        return found
    }

    /// The newest generation in a folder; nil when there is none, or it was removed meanwhile.
    ///
    /// - Throws: ``LiveFailure`` when it cannot be read now.
    public static func newest(folder: String) throws(LiveFailure) -> LiveSnapshot? {
        do throws(LiveFailure) { return try all(folder: folder).last } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    /// The headers of a file of sealed blocks, up to the first that is damaged, out of sequence or without its frame.
    static func scan(_ file: LiveFile) throws(LiveFailure) -> [LiveBlock] {
        var blocks: [LiveBlock] = []
        let size = try file.size
        var offset: UInt64 = 0
        var raw: UInt64 = 0
        while offset < size, let block = try header(file, at: offset), block.rawOffset == raw, block.end <= size {
            blocks.append(block)
            offset = block.end
            raw = block.rawOffset &+ UInt64(block.rawSize)
        }
        return blocks
    }

    static func header(_ file: LiveFile, at offset: UInt64) throws(LiveFailure) -> LiveBlock? {
        let bytes = try file.read(at: offset, count: LiveBlock.largestHeader)
        return bytes.withUnsafeBytes { LiveBlock($0, at: offset) }
    }

    private static func tail(
        _ folder: String, _ generation: Int, from sealed: UInt64
    ) throws(LiveFailure) -> [UInt8]? {
        let bases = LiveName.bases(try LiveFile.names(in: folder), generation)
        var best: [UInt8]?
        for base in bases where base <= sealed {
            guard let file = try LiveFile.ifThere(folder + "/" + LiveName.tail(generation, base)) else { continue }
            let size = try file.size
            guard base &+ size >= sealed else { continue }
            // A tail is sealed when it fills a block; one that is much longer was not written by us.
            let count = Int(clamping: min(base &+ size &- sealed, UInt64(PackFormat.blockSize) * 64))
            let bytes = try file.read(at: sealed &- base, count: count)
            if bytes.count >= best?.count ?? 0 { best = bytes }
        }
        if best == nil, bases.isEmpty, sealed > 0 { return [] }
        return best
    }

    /// Decodes a block, verifies its checksums, and returns its raw size in bytes.
    ///
    /// - Throws: ``LiveFailure`` or `PackError` when its bytes are not what was written.
    public func decode(block index: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard blocks.indices.contains(index), let file else {
            throw PackError(.damagedBlock, "there is no such block")
        }
        let block = blocks[index]
        guard buffer.count >= block.rawSize else { throw PackError(.misuse, "the buffer is too small for a block") }
        let frame = try file.read(at: block.frameOffset, count: block.frameSize)
        try frame.withUnsafeBytes { bytes in
            guard BlockSealer.checksum(bytes) == block.frameChecksum else {
                throw PackError(.damagedBlock, "a sealed block is damaged", path: file.path, offset: block.frameOffset)
            }
            try BlockSealer().open(bytes, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<block.rawSize]))
        }
        return block.rawSize
    }

    /// The filter of a block; nil when it has none or it cannot be read.
    public func filter(block index: Int) -> [UInt8]? {
        guard blocks.indices.contains(index), blocks[index].filterSize > 0 else { return nil }
        let block = blocks[index]
        guard let bytes = try? file?.read(at: block.filterOffset, count: block.filterSize),
            bytes.count == block.filterSize
        else { return nil }
        return bytes
    }

    /// Copies bytes of the log from an offset on; returns how many, 0 at the end.
    ///
    /// - Throws: what ``decode(block:into:)`` throws.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if offset >= sealed {
            let start = Int(clamping: offset &- sealed)
            guard start < tail.count else { return 0 }
            let count = min(buffer.count, tail.count - start)
            tail.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
            }
            return count
        }
        let index = blockIndex(at: offset)
        let start = Int(offset &- blocks[index].rawOffset)
        return try held.withLock { held in
            if held.block != index {
                held.block = -1
                var bytes = [UInt8](repeating: 0, count: blocks[index].rawSize)
                _ = try bytes.withUnsafeMutableBytes { try decode(block: index, into: $0) }
                held.bytes = bytes
                held.block = index
            }
            let count = min(buffer.count, held.bytes.count - start)
            held.bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
            }
            return count
        }
    }

    /// The offset after the last complete line, and the number of the next line.
    public var wholeLines: (end: UInt64, line: UInt64) {
        guard let last = tail.lastIndex(of: 0x0A) else {
            // A block that ends in mid-line has no newline: blocks are cut after their last one.
            let whole = blocks.last { !$0.endsMidLine }
            return (
                whole.map { $0.rawOffset &+ UInt64($0.rawSize) } ?? 0,
                whole.map { $0.firstLine &+ UInt64($0.lines) } ?? 1
            )
        }
        let lines = tail[...last].count { $0 == 0x0A }
        return (sealed &+ UInt64(last + 1), tailLine &+ UInt64(lines))
    }

    /// Bytes of the log from one offset to another.
    ///
    /// - Throws: what ``decode(block:into:)`` throws, or `PackError` when the log is shorter.
    public func bytes(from start: UInt64, to end: UInt64) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(clamping: end &- start))
        var filled = 0
        while filled < bytes.count {
            let count = try bytes.withUnsafeMutableBytes { buffer in
                try read(at: start &+ UInt64(filled), into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            guard count > 0 else { throw PackError(.damagedBlock, "the log ends too early", path: file?.path) }
            filled += count
        }
        return bytes
    }

    /// The block that holds a byte below ``sealed``.
    func blockIndex(at offset: UInt64) -> Int {
        var (low, high) = (0, blocks.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if blocks[middle].rawOffset <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Passes the whole log to a closure in pieces of at most 256 KiB; the closure returns false to end early.
    ///
    /// - Throws: what ``read(at:into:)`` or the closure throws.
    public func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Bool) throws {
        var buffer = [UInt8](repeating: 0, count: PackFormat.blockSize)
        var offset: UInt64 = 0
        while offset < size {
            let more = try buffer.withUnsafeMutableBytes { bytes -> Bool in
                let count = try read(at: offset, into: bytes)
                offset &+= UInt64(count)
                return try count > 0 && body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
            guard more else { return }
        }
    }
}
