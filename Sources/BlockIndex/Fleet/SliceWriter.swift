internal import Bytes
internal import CFilter
internal import Pack

/// A pack of a slice, as the directory lists it.
struct SlicePack: Sendable, Equatable {
    /// A block of the pack.
    struct Block: Sendable, Equatable {
        var place: BlockPlace
        /// The size of its filter in bits; 0 if it has none.
        var bits: UInt32
    }

    /// The pack's path relative to the store.
    var path: [UInt8]
    var packBytes: UInt64
    /// Offset of the footer; 0 if it is not known.
    var footer: UInt64
    /// At most ``SliceFormat/mostBlocks``; nil if the blocks are not listed, and the pack must be asked.
    var blocks: [Block]?
}

/// The columns of matrices that are to be written.
protocol SliceColumns {
    /// Fills 64 rows of the matrix of filters of `bits` bits, from row `first` on, each with `words` words of columns. Bit c
    /// of a row is bit c % 64 of word c / 64.
    mutating func fill(
        _ rows: UnsafeMutablePointer<UInt64>, bits: UInt32, first: Int, words: Int
    ) throws(BlockIndexError)
}

/// Writes a slice from its beginning to its end.
struct SliceWriter {
    private let packs: [SlicePack]
    private let sealer: BlockSealer
    private let sink: ([UInt8]) throws(BlockIndexError) -> Void
    private var buffer: [UInt8] = []
    private var offset: UInt64 = 0

    private static let flushSize = 1 << 20

    /// - Parameters:
    ///   - packs: the packs, in the order of their columns.
    ///   - sink: receives the bytes of the slice in order.
    init(_ packs: [SlicePack], to sink: @escaping ([UInt8]) throws(BlockIndexError) -> Void) throws(BlockIndexError) {
        self.packs = packs
        self.sink = sink
        do throws(PackError) { sealer = try BlockSealer() } catch { throw Self.failure(error) }
    }

    private static func failure(_ error: PackError) -> BlockIndexError {
        BlockIndexError(code: .resources, message: "filters cannot be sliced: \(error.description)")
    }

    /// Writes the slice, and returns its length in bytes and the number of its blocks.
    mutating func write(_ columns: inout some SliceColumns) throws(BlockIndexError) -> (bytes: UInt64, blocks: UInt64) {
        var head = SliceHead()
        var counts: [UInt32: UInt32] = [:]
        for pack in packs {
            for block in pack.blocks ?? [] where block.bits > 0 { counts[block.bits, default: 0] += 1 }
            head.blocks += UInt64(pack.blocks?.count ?? 0)
        }
        head.packs = UInt64(packs.count)
        for (bits, count) in counts.sorted(by: { $0.key < $1.key }) {
            head.matrices.append(try writeMatrix(bits, count, &columns))
        }
        do throws(PackError) { try writeDirectory(&head) } catch { throw Self.failure(error) }
        try flush()
        do throws(PackError) { buffer = try SliceTrailer.encode(head, at: offset, sealer) } catch {
            throw Self.failure(error)
        }
        try flush()
        return (offset, head.blocks)
    }

    private mutating func writeMatrix(
        _ bits: UInt32, _ count: UInt32, _ columns: inout some SliceColumns
    ) throws(BlockIndexError) -> SliceHead.Matrix {
        var matrix = SliceHead.Matrix(bits: bits, columns: count, offset: offset + UInt64(buffer.count), densities: 0)
        let words = (Int(count) + 63) / 64
        let rows = UnsafeMutablePointer<UInt64>.allocate(capacity: 64 * words)
        defer { rows.deallocate() }
        var densities = [UInt8](repeating: 0, count: Int(bits))
        for first in stride(from: 0, to: Int(bits), by: 64) {
            rows.update(repeating: 0, count: 64 * words)
            try columns.fill(rows, bits: bits, first: first, words: words)
            for row in 0..<64 {
                let start = rows + row * words
                var ones = 0
                for word in 0..<words {
                    ones += start[word].nonzeroBitCount
                    start[word] = start[word].littleEndian
                }
                densities[first + row] = UInt8(clamping: (ones * 255 + Int(count) - 1) / Int(count))
                SliceFormat.put(
                    UnsafeRawBufferPointer(start: start, count: matrix.rowBytes), bits: bits,
                    row: UInt32(first + row), to: &buffer)
            }
            if buffer.count >= Self.flushSize { try flush() }
        }
        matrix.densities = offset + UInt64(buffer.count)
        densities.withUnsafeBytes {
            SliceFormat.put($0, bits: bits, row: SliceFormat.densityRow, to: &buffer)
        }
        return matrix
    }

    private mutating func writeDirectory(_ head: inout SliceHead) throws(PackError) {
        let indices = Dictionary(
            head.matrices.enumerated().map { ($1.bits, $0) }, uniquingKeysWith: { first, _ in first })
        var raw = ByteWriter()
        var chunk = Self.emptyChunk(head)
        for pack in packs {
            if chunk.packs >= SliceFormat.mostPacksInChunk || raw.bytes.count >= SliceFormat.chunkSize {
                try close(&chunk, &raw, &head)
            }
            chunk.packs += 1
            raw.put(UInt32(pack.path.count))
            raw.put(bytes: pack.path)
            raw.put(pack.packBytes)
            raw.put(pack.footer)
            guard let blocks = pack.blocks else {
                raw.put(SliceFormat.unlisted)
                chunk.open += 1
                continue
            }
            raw.put(UInt32(blocks.count))
            for block in blocks {
                if let index = indices[block.bits] {
                    raw.put(UInt8(index))
                    chunk.columns[index] += 1
                } else {
                    raw.put(SliceFormat.noMatrix)
                    if block.place.isText { chunk.open += 1 } else { chunk.openBinary += 1 }
                }
                block.place.write(to: &raw)
            }
        }
        if chunk.packs > 0 { try close(&chunk, &raw, &head) }
    }

    private static func emptyChunk(_ head: SliceHead) -> SliceHead.Chunk {
        SliceHead.Chunk(
            offset: 0, storedSize: 0, rawSize: 0, checksum: 0, packs: 0, open: 0, openBinary: 0,
            columns: [UInt32](repeating: 0, count: head.matrices.count))
    }

    private mutating func close(
        _ chunk: inout SliceHead.Chunk, _ raw: inout ByteWriter, _ head: inout SliceHead
    ) throws(PackError) {
        let frame = try SliceCodec.compress(raw.bytes, sealer)
        chunk.offset = offset + UInt64(buffer.count)
        chunk.storedSize = UInt32(frame.count)
        chunk.rawSize = UInt32(raw.bytes.count)
        chunk.checksum = frame.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress, $0.count) }
        buffer += frame
        head.chunks.append(chunk)
        chunk = Self.emptyChunk(head)
        raw = ByteWriter()
    }

    private mutating func flush() throws(BlockIndexError) {
        try sink(buffer)
        offset += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }
}
