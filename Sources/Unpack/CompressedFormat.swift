/// The compression of a file, detected by its first bytes, never by its name.
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

    /// Detects the format from a file's first bytes, of which 10 suffice; nil for any other file.
    public init?(head: UnsafeRawBufferPointer) {
        func starts(_ magic: [UInt8]) -> Bool { head.starts(with: magic) }
        if starts([0x1f, 0x8b, 8]) {
            self = .gzip
        } else if starts([0x28, 0xb5, 0x2f, 0xfd]) {
            self = .zstd
        } else if starts([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) {
            self = .xz
        } else if starts([0x04, 0x22, 0x4d, 0x18]) {
            self = .lz4
        } else if head.count > 9, starts(Array("BZh".utf8)), (0x31...0x39).contains(head[3]),
            [0x31, 0x17].contains(head[4])
        {
            // After the level come the digits of pi, or of its square root when the file is empty.
            self = .bzip2
        } else {
            return nil
        }
    }

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
