/// Decodes blocks one at a time into its own buffers. One per thread.
public final class BlockDecoder {
    private let decompressor: FrameDecompressor
    private let frame: UnsafeMutableRawBufferPointer
    private let raw: UnsafeMutableRawBufferPointer
    /// The block in `raw`: small members that share a block are often read one after the other.
    private var held: (source: PackBytes, block: Block)?

    /// Creates a decoder; throws `resources` when memory is short.
    public init() throws(PackError) {
        decompressor = try FrameDecompressor()
        frame = .allocate(byteCount: PackFormat.maxFrameSize, alignment: 64)
        raw = .allocate(byteCount: PackFormat.blockSize, alignment: 64)
    }

    deinit {
        frame.deallocate()
        raw.deallocate()
    }

    /// Decodes a block; the bytes are valid until the next call. Throws `damagedBlock` when the frame is damaged.
    func decode(_ block: Block, from bytes: PackBytes) throws(PackError) -> UnsafeRawBufferPointer {
        if held?.source !== bytes || held?.block != block {
            held = nil
            try decode(block, from: bytes, into: raw)
            held = (bytes, block)
        }
        return UnsafeRawBufferPointer(rebasing: raw[..<Int(block.rawSize)])
    }

    func decode(
        _ block: Block, from bytes: PackBytes, into buffer: UnsafeMutableRawBufferPointer
    ) throws(PackError) {
        guard Int(block.storedSize) <= frame.count, Int(block.rawSize) <= buffer.count else {
            throw PackError(
                .damagedBlock, "a block exceeds the maximum size", path: bytes.path, offset: block.offset)
        }
        let stored = UnsafeMutableRawBufferPointer(rebasing: frame[..<Int(block.storedSize)])
        do throws(PackError) {
            try bytes.read(at: block.offset, into: stored)
            try decompressor.decompress(
                UnsafeRawBufferPointer(stored),
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(block.rawSize)]))
        } catch {
            var located = error
            if error.code == .damagedFooter { located.code = .damagedBlock }
            located.path = bytes.path
            located.offset = block.offset
            throw located
        }
    }
}
