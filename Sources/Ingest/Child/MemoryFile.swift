import CFiles
import Files
import FoundationEssentials
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
        do throws(FileFailure) { descriptor = try Descriptor.inMemory("salvage-ingest") } catch {
            throw IngestError(.spawn, "cannot create a file in memory: \(error.reason)")
        }
        do throws(FileFailure) { try Descriptor.write(descriptor, Array(content), at: 0) } catch {
            throw IngestError(.spawn, "cannot fill a file in memory: \(error.reason)")
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
        do throws(FileFailure) { try Descriptor.truncate(file.descriptor, to: UInt64(mostAnswer)) } catch {
            throw IngestError(.spawn, "cannot allocate memory for the confined process's answer: \(error.reason)")
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
            guard
                let count = try? chunk.withUnsafeMutableBytes({
                    try Descriptor.read(descriptor, at: UInt64(all.count), into: $0)
                }), count > 0
            else { break }
            let part = chunk[..<count]
            let end = part.firstIndex(of: 0) ?? part.endIndex
            all.append(contentsOf: part[..<end])
            if end < part.endIndex { break }
        }
        return all
    }

    /// Writes a child's answer; returns false when it is too long or cannot be written.
    static func write(_ answer: Data, to descriptor: Int32) -> Bool {
        (try? Descriptor.write(descriptor, Array(answer), at: 0)) != nil
    }
}
