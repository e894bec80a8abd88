/// Compresses a block of text and builds its filter the way packs do, for text that is not in a pack yet. One per
/// thread.
public final class BlockSealer {
    private let compressor: FrameCompressor
    private let decompressor: FrameDecompressor
    private let builder = FilterBuilder()
    private let frame: UnsafeMutableRawBufferPointer

    /// Creates a sealer; throws `resources` when memory is short.
    public init() throws(PackError) {
        compressor = try FrameCompressor(level: PackFormat.level)
        decompressor = try FrameDecompressor()
        frame = .allocate(byteCount: FrameCompressor.bound(PackFormat.blockSize), alignment: 64)
    }

    deinit { frame.deallocate() }

    /// Compresses at most `PackFormat.blockSize` bytes into a zstd frame, valid until the next call. Throws `misuse`
    /// for more.
    public func seal(_ raw: UnsafeRawBufferPointer) throws(PackError) -> UnsafeRawBufferPointer {
        guard raw.count <= PackFormat.blockSize else { throw PackError(.misuse, "\(raw.count) bytes exceed a block") }
        return UnsafeRawBufferPointer(rebasing: frame[..<(try compressor.compress(raw, into: frame))])
    }

    /// Builds the filter of `raw`, valid until the next call.
    public func filter(_ raw: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer { builder.build(raw) }

    /// Decodes one frame, which must fill `raw` exactly; verifies its checksum.
    public func open(
        _ frame: UnsafeRawBufferPointer, into raw: UnsafeMutableRawBufferPointer
    ) throws(PackError) {
        try decompressor.decompress(frame, into: raw)
    }

    /// The CRC-32C of `bytes`, as packs use it.
    public static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { PackFormat.crc32c(bytes) }
}
