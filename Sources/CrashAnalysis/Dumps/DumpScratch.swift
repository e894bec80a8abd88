/// Temporary storage for unpacked content. Used by one thread at a time.
public protocol DumpScratch: ByteSource {
    /// Removes the content.
    func clear()
    /// Appends bytes; false when not all of them fit, in which case some may have been kept.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool
}

/// Temporary storage in memory, of bounded size.
final class MemoryScratch: DumpScratch, @unchecked Sendable {
    // Unchecked: used by one thread at a time, as the protocol requires.
    private var content: [UInt8] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var size: UInt64 { UInt64(content.count) }

    func clear() { content = [] }

    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let count = min(bytes.count, limit - content.count)
        content.append(contentsOf: bytes[..<count])
        return count == bytes.count
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < size else { return 0 }
        let start = Int(offset)
        let count = min(buffer.count, content.count - start)
        content.withUnsafeBytes { all in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[start..<(start + count)]))
        }
        return count
    }
}
