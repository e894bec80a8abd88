/// Compresses a block of text as packs do and makes its filter, for text that is not in a pack yet. One per thread.
public final class BlockSealer {
    private let compressor: FrameCompressor
    private let decompressor: FrameDecompressor
    private let builder = FilterBuilder()
    private let frame: UnsafeMutableRawBufferPointer

    /// A sealer; throws when memory is short.
    public init() throws(PackError) {
        compressor = try FrameCompressor(level: PackFormat.level)
        decompressor = try FrameDecompressor()
        frame = .allocate(byteCount: FrameCompressor.bound(PackFormat.blockSize), alignment: 64)
    }

    deinit { frame.deallocate() }

    /// The zstd frame of at most `PackFormat.blockSize` bytes, valid until the next call.
    public func seal(_ raw: UnsafeRawBufferPointer) throws(PackError) -> UnsafeRawBufferPointer {
        guard raw.count <= PackFormat.blockSize else { throw PackError(.misuse, "a block of \(raw.count) bytes") }
        return UnsafeRawBufferPointer(rebasing: frame[..<(try compressor.compress(raw, into: frame))])
    }

    /// The filter of the same bytes, valid until the next call.
    public func filter(_ raw: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer { builder.build(raw) }

    /// Decodes one frame that must fill `raw` exactly; its checksum is verified.
    public func open(
        _ frame: UnsafeRawBufferPointer, into raw: UnsafeMutableRawBufferPointer
    ) throws(PackError) {
        try decompressor.decompress(frame, into: raw)
    }

    /// CRC-32C, as packs use it.
    public static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { PackFormat.crc32c(bytes) }
}
