/// The compression of a file; ``Sniffer`` detects it.
public enum CompressedFormat: String, Sendable, CaseIterable {
    /// gzip (RFC 1952).
    case gzip
    /// Zstandard (RFC 8878).
    case zstd
    /// xz (the .xz file format, version 1.2).
    case xz
    /// bzip2.
    case bzip2
    /// The LZ4 frame format, version 1.6.
    case lz4

    /// The usual file name extensions, without the dot.
    public var nameEndings: [String] {
        switch self {
        case .gzip: ["gz", "gzip"]
        case .zstd: ["zst", "zstd"]
        case .xz: ["xz"]
        case .bzip2: ["bz2", "bzip2"]
        case .lz4: ["lz4"]
        }
    }

    /// Whether another stream may begin with this byte.
    func mayBegin(with byte: UInt8) -> Bool {
        switch self {
        case .gzip: byte == 0x1f
        // Skippable frames begin with 0x50 to 0x5f.
        case .zstd: byte == 0x28 || byte & 0xf0 == 0x50
        case .xz: byte == 0xfd
        case .bzip2: byte == UInt8(ascii: "B")
        case .lz4: byte == 0x04 || byte & 0xf0 == 0x50
        }
    }

    func makeDecompressor() -> any Decompressor {
        switch self {
        case .gzip: GzipDecompressor()
        case .zstd: ZstdDecompressor()
        case .xz: XzDecompressor()
        case .bzip2: Bzip2Decompressor()
        case .lz4: LZ4Decompressor()
        }
    }
}

/// What one call of a decompressor did.
struct DecompressionStep {
    enum State: Equatable {
        /// More input or more room for output is needed.
        case running
        /// A stream ended and its checksums match; another may follow.
        case ended
        /// The input is damaged.
        case damaged(String)
        /// The data needs more memory than allowed.
        case tooLarge
    }

    var consumed: Int
    var produced: Int
    var state: State
}

/// Decompresses one format piece by piece, in memory that does not grow with the content.
protocol Decompressor: AnyObject {
    /// Consumes some of `input` (which may be empty) and fills some of `output`. After `ended`, the next call begins
    /// the next stream.
    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecompressionStep
}

/// The largest window of a decompressor, in bytes: that of `zstd -20` and `xz -8`. A larger one would take the memory
/// of several ingests.
let largestWindow = 32 << 20
