import CFilter

/// A contiguous run of one member's bytes in one block.
struct Piece {
    var context: InspectionContext
    /// Byte offset in the block's raw bytes.
    var offset: Int
    var length: Int
}

/// A block in the pipeline; its buffers are reused.
final class BlockJob {
    let raw: UnsafeMutableRawBufferPointer
    let frame: UnsafeMutableRawBufferPointer
    /// Bytes of `raw` in use.
    var count = 0
    var pieces: [Piece] = []
    var flags: BlockFlags = []
    /// Whether it holds the whole content of each of its members.
    var isWhole = false

    // Results, written by the worker.
    var done = false
    var frameSize = 0
    var facts: [BlockInspection] = []
    var newlines: [Int] = []
    var filter: [UInt8] = []
    var failure: PackError?

    init() {
        raw = .allocate(byteCount: PackFormat.blockSize, alignment: 64)
        frame = .allocate(byteCount: FrameCompressor.bound(PackFormat.blockSize), alignment: 64)
    }

    deinit {
        raw.deallocate()
        frame.deallocate()
    }

    var room: Int { raw.count - count }
    var content: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: raw[..<count]) }
    var compressed: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: frame[..<frameSize]) }

    /// Length of the content up to and including the last newline; 0 when there is none.
    var throughLastNewline: Int {
        guard let base = raw.baseAddress else { return 0 }
        return salvage_through_last_newline(base.assumingMemoryBound(to: UInt8.self), count)
    }

    func bytes(of piece: Piece) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: raw[piece.offset..<piece.offset + piece.length])
    }

    func reset() {
        count = 0
        pieces.removeAll(keepingCapacity: true)
        flags = []
        isWhole = false
        done = false
        frameSize = 0
        facts.removeAll(keepingCapacity: true)
        newlines.removeAll(keepingCapacity: true)
        filter.removeAll(keepingCapacity: true)
        failure = nil
    }

    /// Moves everything after the first `keep` bytes to the beginning of `next`, which must be empty.
    func split(at keep: Int, into next: BlockJob) {
        guard keep < count else { return }
        next.raw.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[keep..<count]))
        next.count = count - keep
        next.flags = flags
        for piece in pieces where piece.offset + piece.length > keep {
            var rest = piece
            let gone = max(0, keep - piece.offset)
            rest.offset = piece.offset + gone - keep
            rest.length -= gone
            rest.context.contentOffset += UInt64(gone)
            rest.context.memberOffset += UInt64(gone)
            next.pieces.append(rest)
        }
        while let last = pieces.last, last.offset >= keep { pieces.removeLast() }
        if let last = pieces.last { pieces[pieces.count - 1].length = min(last.length, keep - last.offset) }
        count = keep
    }

    /// Appends the pieces and bytes of `other`, which must fit.
    func absorb(_ other: BlockJob) {
        for piece in other.pieces {
            var moved = piece
            moved.offset += count
            pieces.append(moved)
        }
        if other.count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: raw[count...]).copyMemory(from: other.content)
        }
        count += other.count
        flags.formUnion(other.flags)
    }
}

/// The compressor, filter builder and inspector of one worker thread.
final class BlockWorkbench {
    private let compressor: FrameCompressor
    private let builder: FilterBuilder
    private let inspector: (any BlockInspector)?
    private let buildsFilters: Bool

    init(_ options: PackOptions, inspector: (any BlockInspector)?) throws(PackError) {
        compressor = try FrameCompressor(level: options.level)
        builder = FilterBuilder()
        self.inspector = inspector
        buildsFilters = options.filters
    }

    /// Inspects, counts, filters and compresses the raw bytes in one go, while they are in this core's cache.
    func process(_ job: BlockJob) {
        for piece in job.pieces {
            let bytes = job.bytes(of: piece)
            job.facts.append(inspector?.inspect(bytes, piece.context) ?? BlockInspection())
            job.newlines.append(job.flags.contains(.text) ? Self.newlines(in: bytes) : 0)
        }
        if buildsFilters, job.flags.allowFilter {
            job.filter.append(contentsOf: builder.build(job.content))
        }
        do {
            job.frameSize = try compressor.compress(job.content, into: job.frame)
        } catch {
            job.failure = error
        }
    }

    static func newlines(in bytes: UnsafeRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        return salvage_count_newlines(base.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
}
