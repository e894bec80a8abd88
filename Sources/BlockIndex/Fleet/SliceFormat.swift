internal import Bytes
internal import CFilter
internal import Pack

/// The layout of a slice: the filters of many blocks, bit by bit.
///
/// Blocks whose filters have the same size make a matrix: row r has bit r of each filter, one column for each block. A query
/// reads a few rows of it instead of all filters. `storage/README.md` describes the layout byte by byte.
enum SliceFormat {
    static let version: UInt32 = 1
    static let magic = Array("SALVSLIC".utf8)
    static let trailerSize = 48
    /// Bytes of a row, or of a matrix's densities, before each checksum; a multiple of eight.
    static let piece = 4088
    /// In place of a row's number, in the checksums of densities.
    static let densityRow: UInt32 = .max
    /// Most packs in a chunk of the directory, and the size after which another chunk is begun, in raw bytes.
    static let mostPacksInChunk = 64
    static let chunkSize = 96 << 10
    /// Index of a block's matrix in the directory if it has none.
    static let noMatrix: UInt8 = .max
    /// In place of the number of blocks: they are not listed, and the pack must be asked.
    static let unlisted: UInt32 = .max
    /// Most blocks of a pack that are listed.
    static let mostBlocks = 4096
    /// Bytes of a block in the directory: its matrix, and its place.
    static let blockSize = 1 + BlockPlace.size
    /// How many bytes at the end are requested at first.
    static let endSize: UInt64 = 32 << 10
    /// Most raw bytes of a frame of the head.
    static let headFrame = 128 << 10

    /// Length of a row as stored, with its checksums.
    static func stored(_ bytes: Int) -> Int { bytes + (bytes + piece - 1) / piece * 4 }

    /// The checksum of a piece. It depends on the place, so that a piece that is read from elsewhere is not taken for it.
    static func checksum(
        _ bytes: UnsafeRawBufferPointer, bits: UInt32, row: UInt32, piece: UInt32
    ) -> UInt32 {
        var place = (bits.littleEndian, row.littleEndian, piece.littleEndian)
        let crc = withUnsafeBytes(of: &place) { salvage_crc32c(0, $0.baseAddress, $0.count) }
        return salvage_crc32c(crc, bytes.baseAddress, bytes.count)
    }

    /// Appends bytes with a checksum after each piece.
    static func put(
        _ bytes: UnsafeRawBufferPointer, bits: UInt32, row: UInt32, to out: inout [UInt8]
    ) {
        var number: UInt32 = 0
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + piece, bytes.count)])
            out.append(contentsOf: part)
            let crc = checksum(part, bits: bits, row: row, piece: number).littleEndian
            withUnsafeBytes(of: crc) { out.append(contentsOf: $0) }
            number += 1
        }
    }

    /// Calls `body` with each piece of stored bytes and the offset at which it belongs; nil for a damaged one.
    static func forEachPiece(
        of stored: UnsafeRawBufferPointer, bits: UInt32, row: UInt32,
        _ body: (UnsafeRawBufferPointer?, _ offset: Int, _ count: Int) -> Void
    ) {
        var number: UInt32 = 0
        var offset = 0
        for start in stride(from: 0, to: stored.count, by: piece + 4) {
            let end = min(start + piece + 4, stored.count)
            guard end - start > 4 else { break }
            let part = UnsafeRawBufferPointer(rebasing: stored[start..<end - 4])
            let isSound =
                checksum(part, bits: bits, row: row, piece: number) == stored.integer(at: end - 4, as: UInt32.self)
            body(isSound ? part : nil, offset, part.count)
            offset += part.count
            number += 1
        }
    }
}

/// The head of a slice: where its parts are.
struct SliceHead: Sendable, Equatable {
    /// The filters of one size.
    struct Matrix: Sendable, Equatable {
        /// The size of each filter, and the number of rows.
        var bits: UInt32
        /// Number of blocks.
        var columns: UInt32
        /// Offset of row 0.
        var offset: UInt64
        /// Offset of the densities.
        var densities: UInt64

        var rowBytes: Int { (Int(columns) + 7) / 8 }
        var storedRow: Int { SliceFormat.stored(rowBytes) }
        var storedDensities: Int { SliceFormat.stored(Int(bits)) }

        func range(ofRow row: UInt32) -> Range<UInt64> {
            let start = offset + UInt64(row) * UInt64(storedRow)
            return start..<start + UInt64(storedRow)
        }

        var rangeOfDensities: Range<UInt64> { densities..<densities + UInt64(storedDensities) }
    }

    /// A part of the directory.
    struct Chunk: Sendable, Equatable {
        var offset: UInt64
        var storedSize: UInt32
        var rawSize: UInt32
        var checksum: UInt32
        var packs: UInt32
        /// Text blocks without a filter, and packs whose blocks are not listed.
        var open: UInt32
        /// Other blocks without a filter.
        var openBinary: UInt32
        /// Columns of each matrix.
        var columns: [UInt32]

        var range: Range<UInt64> { offset..<offset + UInt64(storedSize) }
    }

    var matrices: [Matrix] = []
    var chunks: [Chunk] = []
    var packs: UInt64 = 0
    var blocks: UInt64 = 0

    /// Encodes the head without its compression.
    func encoded() -> [UInt8] {
        var out = ByteWriter()
        out.put(SliceFormat.version)
        out.put(UInt32(matrices.count))
        out.put(UInt32(chunks.count))
        out.put(UInt32(0))
        out.put(packs)
        out.put(blocks)
        for matrix in matrices {
            out.put(matrix.bits)
            out.put(matrix.columns)
            out.put(matrix.offset)
            out.put(matrix.densities)
        }
        for chunk in chunks {
            out.put(chunk.offset)
            out.put(chunk.storedSize)
            out.put(chunk.rawSize)
            out.put(chunk.checksum)
            out.put(chunk.packs)
            out.put(chunk.open)
            out.put(chunk.openBinary)
            for count in chunk.columns { out.put(count) }
        }
        return out.bytes
    }

    init() {}

    /// Reads a head; nil when it is not valid.
    /// - Parameter size: the length of the slice in bytes.
    init?(_ bytes: [UInt8], size: UInt64) {
        let isValid = bytes.withUnsafeBytes { raw -> Bool in
            var reader = ByteReader(raw)
            guard reader.integer(UInt32.self) == SliceFormat.version, let matrixCount = reader.integer(UInt32.self),
                let chunkCount = reader.integer(UInt32.self), reader.integer(UInt32.self) != nil,
                let packs = reader.integer(UInt64.self), let blocks = reader.integer(UInt64.self),
                matrixCount < UInt32(SliceFormat.noMatrix)
            else { return false }
            (self.packs, self.blocks) = (packs, blocks)
            for _ in 0..<matrixCount {
                guard let matrix = Self.matrix(&reader, size) else { return false }
                matrices.append(matrix)
            }
            var totals = [UInt64](repeating: 0, count: matrices.count)
            for _ in 0..<chunkCount {
                guard let chunk = Self.chunk(&reader, matrices.count, size) else { return false }
                for (index, count) in chunk.columns.enumerated() { totals[index] += UInt64(count) }
                chunks.append(chunk)
            }
            return reader.remaining == 0 && zip(totals, matrices).allSatisfy { $0 == UInt64($1.columns) }
        }
        guard isValid else { return nil }
    }

    private static func matrix(_ reader: inout ByteReader, _ size: UInt64) -> Matrix? {
        guard let bits = reader.integer(UInt32.self), let columns = reader.integer(UInt32.self),
            let offset = reader.integer(UInt64.self), let densities = reader.integer(UInt64.self),
            bits >= 64, bits % 64 == 0, bits <= UInt32(BlockFilter.maxSize) * 8, offset <= size, densities <= size
        else { return nil }
        let matrix = Matrix(bits: bits, columns: columns, offset: offset, densities: densities)
        guard UInt64(bits) * UInt64(matrix.storedRow) <= size - offset,
            UInt64(matrix.storedDensities) <= size - densities
        else { return nil }
        return matrix
    }

    private static func chunk(_ reader: inout ByteReader, _ matrices: Int, _ size: UInt64) -> Chunk? {
        guard let offset = reader.integer(UInt64.self), let stored = reader.integer(UInt32.self),
            let raw = reader.integer(UInt32.self), let checksum = reader.integer(UInt32.self),
            let packs = reader.integer(UInt32.self), let open = reader.integer(UInt32.self),
            let openBinary = reader.integer(UInt32.self), offset <= size, UInt64(stored) <= size - offset,
            raw <= UInt32(PackFormat.blockSize)
        else { return nil }
        var columns: [UInt32] = []
        for _ in 0..<matrices {
            guard let count = reader.integer(UInt32.self) else { return nil }
            columns.append(count)
        }
        return Chunk(
            offset: offset, storedSize: stored, rawSize: raw, checksum: checksum, packs: packs, open: open,
            openBinary: openBinary, columns: columns)
    }
}
