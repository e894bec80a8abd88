import CFiles
import Foundation
import Glibc

/// An anonymous file in memory (memfd).
///
/// Such a file counts against none of the writer's limits, so every file given to a child has a fixed length.
final class MemoryFile {
    let descriptor: Int32

    /// The maximum length of a child's answer, in bytes.
    static let mostAnswer = 64 << 20

    /// Creates the file with `content`; its position is 0.
    init(_ content: Data) throws(IngestError) {
        descriptor = salvage_memfd("salvage-ingest")
        guard descriptor >= 0 else { throw IngestError(.spawn, "cannot create a file in memory: \(reason())") }
        var written = 0
        while written < content.count {
            let count = content.withUnsafeBytes { bytes in
                pwrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw IngestError(.spawn, "cannot fill a file in memory: \(reason())") }
            written += count
        }
    }

    /// Returns a file for a child to read, sealed against all changes.
    static func question(_ content: Data) throws(IngestError) -> MemoryFile {
        let file = try MemoryFile(content)
        try file.seal(writable: false)
        return file
    }

    /// Returns a file of ``mostAnswer`` zeros for a child's answer, which ends at the first zero.
    static func answer() throws(IngestError) -> MemoryFile {
        let file = try MemoryFile(Data())
        guard ftruncate(file.descriptor, off_t(mostAnswer)) == 0 else {
            throw IngestError(.spawn, "cannot allocate memory for the confined process's answer: \(reason())")
        }
        try file.seal(writable: true)
        return file
    }

    private func seal(writable: Bool) throws(IngestError) {
        guard salvage_seal(descriptor, writable ? 1 : 0) == 0 else {
            throw IngestError(.spawn, "cannot fix the length of a file in memory: \(reason())")
        }
    }

    deinit { close(descriptor) }

    /// Returns the content up to the first zero, which JSON never contains. Stops after about `limit` bytes.
    func content(limit: Int = MemoryFile.mostAnswer) -> Data { Self.read(descriptor, limit: limit) }

    /// Returns the content of a file from its start up to the first zero. Stops after about `limit` bytes.
    static func read(_ descriptor: Int32, limit: Int = mostAnswer) -> Data {
        var all = Data()
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while all.count < limit {
            let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(all.count)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            let part = chunk[..<count]
            let end = part.firstIndex(of: 0) ?? part.endIndex
            all.append(contentsOf: part[..<end])
            if end < part.endIndex { break }
        }
        return all
    }

    /// Writes a child's answer; returns false when it is too long or cannot be written.
    static func write(_ answer: Data, to descriptor: Int32) -> Bool {
        var written = 0
        while written < answer.count {
            let count = answer.withUnsafeBytes { bytes in
                pwrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
