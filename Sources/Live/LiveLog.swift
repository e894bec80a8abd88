internal import Glibc
internal import LogSearch
internal import LogTime
public import Pack

/// The log of a running session while it is followed: `live/<escaped session>/` of the store.
///
/// The API can only replay a log from its start, so each new connection first sends what is already stored. Those bytes
/// are recognised by the hashes of their chunks and not written again. Where they differ, the stored log stays as it is
/// and the new log continues as the next generation after the part that both have in common: neither is lost.
///
/// New bytes go to a raw tail; when it fills a block, the block is compressed, given its filter and its times, and
/// appended to the sealed blocks. At every moment all written bytes are on disk in one form or the other, so a kill
/// loses nothing. Memory does not grow with the log. Used by one thread at a time; its calls block on the disk.
public final class LiveLog: @unchecked Sendable {
    // Unchecked: callers use it from one thread at a time.

    /// The compressor that the logs of one thread share.
    public final class BlockCompressor {
        let sealer: BlockSealer

        /// Creates the compressor.
        ///
        /// - Throws: `PackError` when memory is short.
        public init() throws(PackError) { sealer = try BlockSealer() }
    }

    /// The maximum number of generations; a log that differs more often is no longer followed.
    public static let mostGenerations = 100

    let folder: String
    let limit: UInt64
    let inspector: (any BlockInspector)?
    /// The generation that is written.
    public internal(set) var generation: Int
    /// Size of the generation that is written, in bytes.
    public internal(set) var bytes: UInt64 = 0
    /// Number of bytes of the last piece that ``take(_:_:)`` accepted, also when it threw.
    public internal(set) var consumed = 0
    var tail: LiveFile
    var tailBase: UInt64 = 0
    var last: LiveBlock?
    var replay = LiveReplay()

    var sealed: UInt64 { last.map { $0.rawOffset &+ UInt64($0.rawSize) } ?? 0 }
    var blocksPath: String { folder + "/" + LiveName.blocks(generation) }

    /// Opens or starts the log in a folder that exists.
    ///
    /// - Parameters:
    ///   - limit: the maximum size of one generation, in bytes.
    ///   - inspector: finds the times and crash anchors of blocks.
    /// - Throws: ``LiveFailure``.
    public init(folder: String, limit: UInt64, inspector: (any BlockInspector)? = nil) throws(LiveFailure) {
        self.folder = folder
        self.limit = limit
        self.inspector = inspector
        let names = try LiveFile.names(in: folder)
        generation = LiveName.generations(names).last ?? 0
        (last, tail, tailBase) = try LiveLog.open(folder, generation, names)
        bytes = max(sealed, tailBase &+ (try tail.size))
        if tailBase < sealed { try moveTail() }
    }

    /// Finds what an interrupted run left of a generation: the last complete block, the tail after it, and the tail's
    /// offset.
    private static func open(
        _ folder: String, _ generation: Int, _ names: [String]
    ) throws(LiveFailure) -> (LiveBlock?, LiveFile, UInt64) {
        var last: LiveBlock?
        if names.contains(LiveName.blocks(generation)) {
            let file = try LiveFile(folder + "/" + LiveName.blocks(generation), flags: O_RDWR)
            let blocks = try LiveSnapshot.scan(file)
            last = blocks.last
            let end = last?.end ?? 0
            // A block whose write was interrupted; its bytes are in the tail.
            if try file.size > end { try file.truncate(to: end) }
        }
        let sealed = last.map { $0.rawOffset &+ UInt64($0.rawSize) } ?? 0
        var best: (file: LiveFile, base: UInt64, end: UInt64)?
        for base in LiveName.bases(names, generation) where base <= sealed {
            let file = try LiveFile(folder + "/" + LiveName.tail(generation, base), flags: O_RDWR)
            let size = try file.size
            guard base &+ size >= sealed || base == sealed else { continue }
            if let known = best, known.end > base &+ size { continue }
            best = (file, base, base &+ size)
        }
        if let best { return (last, best.file, best.base) }
        return (last, try LiveFile(folder + "/" + LiveName.tail(generation, sealed), flags: O_RDWR | O_CREAT), sealed)
    }

    /// Accepts the next bytes of a connection.
    ///
    /// - Returns: false when the log has reached its limit, of bytes or generations, and the rest was left out.
    /// - Throws: ``LiveFailure`` or `PackError`; ``consumed`` says how many bytes were accepted, and the rest may be
    ///   passed again.
    public func take(_ piece: UnsafeRawBufferPointer, _ compressor: BlockCompressor) throws -> Bool {
        consumed = 0
        while consumed < piece.count {
            let rest = UnsafeRawBufferPointer(rebasing: piece[consumed...])
            guard replay.received < bytes else { return try append(rest, compressor) }
            guard try recognise(rest, compressor) else { return false }
        }
        return true
    }

    private func append(_ rest: UnsafeRawBufferPointer, _ compressor: BlockCompressor) throws -> Bool {
        var rest = rest
        while !rest.isEmpty {
            let room = Int(clamping: min(limit > bytes ? limit &- bytes : 0, UInt64(PackFormat.blockSize)))
            guard room > 0 else { return false }
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(room))
            try tail.append(part, at: bytes &- tailBase)
            bytes &+= UInt64(part.count)
            replay.received = bytes
            consumed += part.count
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            while bytes &- sealed >= UInt64(PackFormat.blockSize) { try seal(compressor) }
        }
        return true
    }

    // MARK: Sealing

    private func seal(_ compressor: BlockCompressor) throws {
        let raw = try tail.read(at: sealed &- tailBase, count: PackFormat.blockSize)
        let file = try LiveFile(blocksPath, flags: O_RDWR | O_CREAT)
        let end = last?.end ?? 0
        let (record, block) = try raw.withUnsafeBytes { bytes -> ([UInt8], LiveBlock) in
            let cut = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
            return try encode(UnsafeRawBufferPointer(rebasing: bytes[..<cut]), at: end, compressor)
        }
        try file.append(record, at: end)
        try file.sync()
        last = block
        try moveTail()
    }

    /// Encodes a block for the file: header and frame.
    private func encode(
        _ raw: UnsafeRawBufferPointer, at end: UInt64, _ compressor: BlockCompressor
    ) throws(PackError) -> ([UInt8], LiveBlock) {
        let endsMidLine = raw.last != 0x0A
        let format = last?.timeFormat ?? TimeFormat.detect(raw).rawValue
        var facts = BlockInspection()
        if let inspector {
            let context = InspectionContext(
                member: 0, kind: .log, timeFormat: format, mtime: 0, contentOffset: sealed, memberOffset: sealed)
            let before = last.map { BlockInspection(lastTime: $0.lastTime) }
            facts = inspector.settle(inspector.inspect(raw, context), after: before, context)
        }
        let chunks = stride(from: 0, to: raw.count, by: LiveBlock.chunkSize).map { start in
            LiveBlock.hash(raw[start..<min(raw.count, start + LiveBlock.chunkSize)])
        }
        let frame = try compressor.sealer.seal(raw)
        var block = LiveBlock(
            rawOffset: sealed, rawSize: raw.count, firstLine: last.map { $0.firstLine &+ UInt64($0.lines) } ?? 1,
            lines: UInt32(clamping: raw.count { $0 == 0x0A }), facts: facts, endsMidLine: endsMidLine,
            timeFormat: format, chunks: chunks, frame: frame)
        // No block holds all n-grams of a line that is cut: a filter would make searches miss the line.
        let isWhole = !endsMidLine && last?.endsMidLine != true
        let filter = isWhole ? compressor.sealer.filter(raw) : UnsafeRawBufferPointer(start: nil, count: 0)
        let head = block.encoded(filter: filter)
        block.filterSize = filter.count
        block.filterOffset = end &+ UInt64(head.count - filter.count)
        block.frameOffset = end &+ UInt64(head.count)
        return (head + frame, block)
    }

    /// Replaces the tail with one that begins where the sealed blocks end.
    private func moveTail() throws(LiveFailure) {
        let rest = try tail.read(at: sealed &- tailBase, count: Int(clamping: bytes &- sealed))
        let path = folder + "/" + LiveName.tail(generation, sealed)
        let next = try LiveFile(path, flags: O_RDWR | O_CREAT | O_TRUNC)
        do {
            try next.append(rest, at: 0)
            try next.sync()
        } catch {
            unlink(path)
            throw error
        }
        let old = tail.path
        tail = next
        tailBase = sealed
        if old != path { unlink(old) }
    }

    /// Syncs the tail, so that everything stored survives a power cut.
    ///
    /// - Throws: ``LiveFailure``.
    public func sync() throws(LiveFailure) { try tail.sync() }
}
