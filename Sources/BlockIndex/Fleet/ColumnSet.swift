internal import Bytes

/// A set of columns of a matrix.
struct ColumnSet: Sendable, Equatable {
    private(set) var words: [UInt64]
    let count: Int

    /// All columns, or none.
    init(count: Int, full: Bool) {
        self.count = count
        words = [UInt64](repeating: full ? .max : 0, count: (count + 63) / 64)
        clearRest()
    }

    private mutating func clearRest() {
        if count % 64 != 0, let last = words.indices.last { words[last] &= 1 << UInt64(count % 64) - 1 }
    }

    /// Keeps the columns whose bit is set in a row. Columns in damaged parts of the row are kept.
    mutating func formIntersection(storedRow: [UInt8], bits: UInt32, row: UInt32) {
        storedRow.withUnsafeBytes { stored in
            SliceFormat.forEachPiece(of: stored, bits: bits, row: row) { part, offset, _ in
                guard let part else { return }
                var index = 0
                while index < part.count {
                    let word = (offset + index) / 8
                    guard word < words.count else { return }
                    if let whole = part.integer(at: index, as: UInt64.self) {
                        words[word] &= whole
                    } else {
                        for byte in index..<part.count {
                            let shift = UInt64((byte - index) * 8)
                            words[word] &= UInt64(part[byte]) << shift | ~(0xFF << shift)
                        }
                    }
                    index += 8
                }
            }
        }
    }

    mutating func formIntersection(_ other: ColumnSet) {
        for index in words.indices { words[index] &= other.words[index] }
    }

    mutating func formUnion(_ other: ColumnSet) {
        for index in words.indices { words[index] |= other.words[index] }
    }

    func contains(_ column: Int) -> Bool {
        column >= 0 && column < count && words[column / 64] >> UInt64(column % 64) & 1 == 1
    }

    /// Whether one of the columns in a range is in the set.
    func hasAny(in range: Range<Int>) -> Bool {
        var column = range.lowerBound
        while column < min(range.upperBound, count) {
            let rest = words[column / 64] >> UInt64(column % 64)
            if rest != 0 { return column + rest.trailingZeroBitCount < range.upperBound }
            column = (column / 64 + 1) * 64
        }
        return false
    }
}
