import CShims
import Foundation
import Glibc

/// An anonymous file in memory.
///
/// Such files count against no limit of the process that writes them, so whatever a child is given has a fixed length.
final class MemoryFile {
    let descriptor: Int32

    /// The longest that a child may answer, in bytes.
    static let mostAnswer = 64 << 20

    /// Creates the file with `content`, positioned at its beginning.
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

    /// A file for a child to read: nobody can change it any more.
    static func question(_ content: Data) throws(IngestError) -> MemoryFile {
        let file = try MemoryFile(content)
        try file.seal(writable: false)
        return file
    }

    /// A file for a child's answer: of zeros, in which the answer ends, and as long as an answer may be.
    static func answer() throws(IngestError) -> MemoryFile {
        let file = try MemoryFile(Data())
        guard ftruncate(file.descriptor, off_t(mostAnswer)) == 0 else {
            throw IngestError(.spawn, "cannot make room for the ingest child's answer: \(reason())")
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

    /// Everything in the file up to the first zero, which no JSON holds; at most `limit` bytes.
    func content(limit: Int = MemoryFile.mostAnswer) -> Data { Self.read(descriptor, limit: limit) }

    /// Everything in the file behind a descriptor, from its beginning up to the first zero; at most `limit` bytes.
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

    /// Writes a child's answer; false where it is too long, or cannot be written.
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
