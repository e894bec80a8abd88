/// The lines around a byte of a log, for logs without times.
public enum LogExcerpt {
    /// How many bytes are read on either side.
    private static let reach: UInt64 = 4096

    /// Returns the whole lines within 4 KiB on either side of a byte.
    ///
    /// - Parameters:
    ///   - offset: the byte's offset in the log.
    ///   - size: the log's size, in bytes.
    ///   - read: fills a buffer with the log's bytes from an offset on, as far as it can; returns how many, 0 at the
    ///     end.
    /// - Throws: what `read` throws.
    public static func lines(
        around offset: UInt64, size: UInt64, read: (UInt64, UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> [ArraySlice<UInt8>] {
        let start = offset > reach ? offset - reach : 0
        var bytes = [UInt8](repeating: 0, count: Int(clamping: min(2 * reach, size > start ? size - start : 0)))
        var filled = 0
        while filled < bytes.count {
            let count = try bytes.withUnsafeMutableBytes { buffer in
                try read(start &+ UInt64(filled), UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            if count == 0 { break }
            filled += count
        }
        var lines = bytes[..<filled].split(separator: 0x0A, omittingEmptySubsequences: false)
        // Drop the partial lines at both ends.
        if start > 0, lines.count > 1 { lines.removeFirst() }
        if start &+ UInt64(filled) < size || lines.last?.isEmpty == true, lines.count > 1 { lines.removeLast() }
        return lines
    }
}
