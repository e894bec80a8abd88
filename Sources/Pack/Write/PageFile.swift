import Glibc
import Synchronization

/// A file that holds pages of tables too large for memory. Several threads may use it.
final class PageFile: Sendable {
    static let pageSize = 64 << 10

    private let descriptor: Int32
    private let end = Atomic<UInt64>(0)

    /// Uses `descriptor`, an empty file open for reading and writing. The caller keeps ownership of it.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Allocates a page and returns its offset.
    func allocate() -> UInt64 {
        end.wrappingAdd(UInt64(Self.pageSize), ordering: .relaxed).oldValue
    }

    func write(_ page: UnsafeMutableRawBufferPointer, at place: UInt64) throws(PackError) {
        try PackFile.write(descriptor, UnsafeRawBufferPointer(page), at: place)
    }

    func read(_ page: UnsafeMutableRawBufferPointer, at place: UInt64) throws(PackError) {
        guard try PackFile.read(descriptor, at: place, into: page) == page.count else {
            throw PackError(.io, "the temporary file of tables ends too early", offset: place)
        }
    }
}

/// A growable byte array, zero where nothing was written. With a file, only recently used pages are in memory.
///
/// One thread may use it at a time.
final class PagedBytes {
    private struct Page {
        var bytes: UnsafeMutableRawBufferPointer?
        var place: UInt64?
        var isChanged = false
    }

    /// Most pages of one table in memory, 512 KiB together.
    private static let mostResident = 8

    private let file: PageFile?
    private var pages: [Page] = []
    /// Pages in memory, the most recently used last; maintained only with a file.
    private var resident: [Int] = []
    /// Number of bytes up to the end of the last write.
    private(set) var count: UInt64 = 0

    init(file: PageFile?) { self.file = file }

    deinit {
        for page in pages { page.bytes?.deallocate() }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(PackError) { try write(bytes, at: count) }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(PackError) {
        var done = 0
        while done < bytes.count {
            let (index, start) = Self.place(offset &+ UInt64(done))
            let size = min(bytes.count - done, PageFile.pageSize - start)
            let page = try page(index)
            pages[index].isChanged = true
            UnsafeMutableRawBufferPointer(rebasing: page[start...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<(done + size)]))
            done += size
        }
        count = max(count, offset &+ UInt64(bytes.count))
    }

    /// Fills `buffer` from `offset`.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) {
        var done = 0
        while done < buffer.count {
            let (index, start) = Self.place(offset &+ UInt64(done))
            let size = min(buffer.count - done, PageFile.pageSize - start)
            let page = try page(index)
            UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: page[start..<(start + size)]))
            done += size
        }
    }

    /// Loads the record at `index` of a table of equal records, whose stride must divide the page size.
    func load<Record: BitwiseCopyable>(_ index: Int, as type: Record.Type) throws(PackError) -> Record {
        let (number, start) = Self.place(UInt64(index * MemoryLayout<Record>.stride))
        return try page(number).loadUnaligned(fromByteOffset: start, as: type)
    }

    /// Replaces the record at `index`.
    func store<Record: BitwiseCopyable>(_ record: Record, _ index: Int) throws(PackError) {
        let offset = UInt64(index * MemoryLayout<Record>.stride)
        let (number, start) = Self.place(offset)
        try page(number).storeBytes(of: record, toByteOffset: start, as: Record.self)
        pages[number].isChanged = true
        count = max(count, offset &+ UInt64(MemoryLayout<Record>.stride))
    }

    private static func place(_ offset: UInt64) -> (page: Int, start: Int) {
        (Int(offset / UInt64(PageFile.pageSize)), Int(offset % UInt64(PageFile.pageSize)))
    }

    /// The bytes of a page, valid until the next call.
    private func page(_ index: Int) throws(PackError) -> UnsafeMutableRawBufferPointer {
        while pages.count <= index { pages.append(Page()) }
        if let bytes = pages[index].bytes {
            if file != nil, resident.last != index, let at = resident.firstIndex(of: index) {
                resident.remove(at: at)
                resident.append(index)
            }
            return bytes
        }
        let bytes = try freePage()
        if let file, let place = pages[index].place {
            do throws(PackError) {
                try file.read(bytes, at: place)
            } catch {
                bytes.deallocate()
                throw error
            }
        } else {
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
        }
        pages[index].bytes = bytes
        pages[index].isChanged = false
        if file != nil { resident.append(index) }
        return bytes
    }

    /// Memory for a page: that of the least recently used page, or a new allocation.
    private func freePage() throws(PackError) -> UnsafeMutableRawBufferPointer {
        guard let file, resident.count >= Self.mostResident, let oldest = resident.first,
            let bytes = pages[oldest].bytes
        else { return .allocate(byteCount: PageFile.pageSize, alignment: 64) }
        if pages[oldest].isChanged {
            let place = pages[oldest].place ?? file.allocate()
            pages[oldest].place = place
            try file.write(bytes, at: place)
        }
        pages[oldest].bytes = nil
        resident.removeFirst()
        return bytes
    }
}
