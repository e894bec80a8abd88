internal import Bytes
internal import CFilter
internal import Pack

/// Reads chunks of a slice's directory.
enum SliceDirectory {
    /// A block as listed.
    struct Entry {
        /// Index of its matrix; nil without a filter.
        var matrix: Int?
        var place: BlockPlace
    }

    /// A pack as listed.
    struct Pack {
        var path: [UInt8]
        var packBytes: UInt64
        var footer: UInt64
        /// Nil if they are not listed.
        var blocks: [Entry]?
    }

    /// The packs of a chunk; nil when it is damaged.
    static func packs(
        _ stored: [UInt8], _ chunk: SliceHead.Chunk, matrices: Int, _ sealer: BlockSealer
    ) -> [Pack]? {
        let raw = stored.withUnsafeBytes { bytes -> [UInt8]? in
            guard salvage_crc32c(0, bytes.baseAddress, bytes.count) == chunk.checksum else { return nil }
            return SliceCodec.decompress(bytes, rawSize: Int(chunk.rawSize), sealer)
        }
        guard let raw else { return nil }
        return raw.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var packs: [Pack] = []
            var columns = [UInt32](repeating: 0, count: matrices)
            for _ in 0..<chunk.packs {
                guard let pack = pack(&reader, &columns) else { return nil }
                packs.append(pack)
            }
            // Otherwise blocks would be taken for those of other columns.
            return reader.remaining == 0 && columns == chunk.columns ? packs : nil
        }
    }

    private static func pack(_ reader: inout ByteReader, _ columns: inout [UInt32]) -> Pack? {
        guard let length = reader.integer(UInt32.self), let path = reader.run(Int(length)),
            let packBytes = reader.integer(UInt64.self), let footer = reader.integer(UInt64.self),
            let count = reader.integer(UInt32.self)
        else { return nil }
        guard count != SliceFormat.unlisted else {
            return Pack(path: Array(path), packBytes: packBytes, footer: footer, blocks: nil)
        }
        guard count <= UInt32(SliceFormat.mostBlocks) else { return nil }
        var blocks: [Entry] = []
        blocks.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let matrix = reader.integer(UInt8.self), let bytes = reader.run(BlockPlace.size),
                let place = BlockPlace(bytes, at: 0)
            else { return nil }
            guard matrix != SliceFormat.noMatrix else {
                blocks.append(Entry(matrix: nil, place: place))
                continue
            }
            guard columns.indices.contains(Int(matrix)) else { return nil }
            columns[Int(matrix)] += 1
            blocks.append(Entry(matrix: Int(matrix), place: place))
        }
        return Pack(path: Array(path), packBytes: packBytes, footer: footer, blocks: blocks)
    }
}

extension SliceHead {
    /// The first column of each chunk, in each matrix.
    var firstColumns: [[Int]] {
        var next = [Int](repeating: 0, count: matrices.count)
        return chunks.map { chunk in
            defer { for (index, count) in chunk.columns.enumerated() { next[index] += Int(count) } }
            return next
        }
    }
}
