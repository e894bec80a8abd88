/// Room for content that is unpacked to be looked at and then forgotten. Used by one thread at a time.
public protocol DumpScratch: ByteSource {
    /// Empties it.
    func clear()
    /// Appends bytes; false when there is no more room, and nothing was kept of them or not all.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool
}

/// Scratch room in memory, of bounded size.
final class MemoryScratch: DumpScratch, @unchecked Sendable {
    // Unchecked: used by one thread at a time, as the protocol says.
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
