import CrashAnalysis
import Files
import Glibc
import Pack

/// An unlinked file, opened before the child confined itself, for content that needs random access but is not stored,
/// such as an expanded core dump. Pages of zeros become holes.
///
/// Used by one thread at a time.
final class ScratchFile: DumpScratch, @unchecked Sendable {
    private let descriptor: Int32
    private(set) var size: UInt64 = 0
    /// Bytes stored, without holes.
    private(set) var stored: UInt64 = 0

    private static let page = 4096
    private let limit: UInt64

    /// Uses the file behind a descriptor, for at most `limit` stored bytes.
    init(descriptor: Int32, limit: UInt64) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Empties the file.
    func clear() {
        _ = ftruncate(descriptor, 0)
        size = 0
        stored = 0
    }

    /// Appends bytes; returns false when the disk is full, a limit is reached or the write fails.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        while start < bytes.count {
            let toPageEnd = Self.page - Int(size % UInt64(Self.page))
            // Process consecutive pages together that are all zero, or all not.
            var end = min(start + toPageEnd, bytes.count)
            let isZero = Self.isZero(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            while end < bytes.count {
                let next = min(end + Self.page, bytes.count)
                guard Self.isZero(UnsafeRawBufferPointer(rebasing: bytes[end..<next])) == isZero else { break }
                end = next
            }
            let run = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if !isZero {
                guard stored &+ UInt64(run.count) <= limit, put(run) else { return false }
                stored &+= UInt64(run.count)
            }
            size &+= UInt64(run.count)
            start = end
        }
        return true
    }

    /// Appends a hole.
    func skip(_ length: UInt64) { size &+= length }

    private func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do throws(FileFailure) {
            try Descriptor.write(descriptor, bytes, at: size)
            return true
        } catch {
            // A full disk or a limit is an expected result; anything else is a local fault.
            if !error.isFull { ReadFaults.note("cannot write the scratch file: \(error.reason)") }
            return false
        }
    }

    /// Passes the whole content to `take` in pieces, holes as zeros.
    func readAll(_ take: (UnsafeRawBufferPointer) throws(PackError) -> Void) throws(PackError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { buffer.deallocate() }
        var offset: UInt64 = 0
        while offset < size {
            var count = 0
            do { count = try read(at: offset, into: buffer) } catch { throw PackError(.io, "\(error)") }
            try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset &+= UInt64(count)
        }
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return true }
        return bytes[0] == 0 && memcmp(base, base + 1, bytes.count - 1) == 0
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < size else { return 0 }
        let wanted = Int(min(UInt64(buffer.count), size - offset))
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        let count: Int
        do throws(FileFailure) { count = try Descriptor.read(descriptor, at: offset, into: part) } catch {
            let error = IngestError(.packFailed, "cannot read the scratch file: \(error.reason)")
            ReadFaults.note(error.message)
            throw error
        }
        // After the last page written there are only zeros.
        UnsafeMutableRawBufferPointer(rebasing: part[count...]).initializeMemory(as: UInt8.self, repeating: 0)
        return wanted
    }
}
