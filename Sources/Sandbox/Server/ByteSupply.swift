import Bytes
import Files
import Tar

/// A source of an archive's bytes. Each call does a piece of the work and blocks on files only.
protocol ByteSupply: AnyObject, Sendable {
    /// Returns the next bytes; nil at the end.
    func next() throws -> [UInt8]?
}

/// Fixed bytes, for prepared archives and for bodies that are not archives.
final class FixedBytes: ByteSupply, @unchecked Sendable {
    private var pieces: [[UInt8]]

    init(_ pieces: [[UInt8]]) { self.pieces = pieces.reversed() }

    func next() -> [UInt8]? { pieces.popLast() }
}

/// The plain tar archive of a path inside a session's root, produced on demand. A file that shrinks while it is read is
/// padded with zeros, because its size has been sent. An entry that cannot be read ends the archive with an error; it is
/// not silently left out.
final class FolderSupply: ByteSupply, @unchecked Sendable {
    private let archive: FolderArchive

    /// - Parameters:
    ///   - bareNames: whether names begin with `.` instead of the folder's name.
    ///   - keepsHoles: whether holes are left out.
    init(_ top: OpenedPath, bareNames: Bool, keepsHoles: Bool) throws(SandboxError) {
        var options = FolderArchive.Options()
        options.keepsHoles = keepsHoles
        options.wholeSeconds = true
        let name = bareNames ? "." : top.name.isEmpty ? "/" : top.name
        do throws(FileFailure) {
            archive = try FolderArchive(top.descriptor, path: Array(name.utf8), options: options)
        } catch {
            throw FolderSupply.trouble(error)
        }
    }

    func next() throws -> [UInt8]? {
        do throws(FileFailure) { return try archive.next() } catch { throw Self.trouble(error) }
    }

    private static func trouble(_ failure: FileFailure) -> SandboxError {
        SandboxError("\(failure.path) cannot be read for an archive: \(failure.reason)")
    }
}

/// The entry `padding.bin` of an archive: random bytes, which do not compress.
final class PaddingSupply: ByteSupply, @unchecked Sendable {
    private let header: TarHeader
    private var left: Int?
    private var noise = SplitMix64(seed: 0x5a1_7a6e)

    init(folder: String, bytes: Int) {
        let path = (folder.isEmpty ? "" : folder + "/") + "padding.bin"
        header = TarHeader(path: Array(path.utf8), kind: .file, mode: 0o600, size: Int64(bytes))
    }

    func next() -> [UInt8]? {
        guard let left else {
            left = Int(header.size)
            return header.bytes
        }
        guard left > 0 else { return nil }
        let count = min(left, 64 << 10)
        self.left = left - count
        let bytes = [UInt8](unsafeUninitializedCapacity: count + 8) { buffer, filled in
            let room = UnsafeMutableRawBufferPointer(buffer)
            for offset in stride(from: 0, to: count, by: 8) {
                room.storeBytes(of: noise.next(), toByteOffset: offset, as: UInt64.self)
            }
            filled = count
        }
        return left == count ? bytes + TarHeader.padding(header.size) : bytes
    }
}

/// One supply after the other.
final class JoinedSupply: ByteSupply, @unchecked Sendable {
    private var rest: [any ByteSupply]

    init(_ parts: [any ByteSupply]) { rest = parts.reversed() }

    func next() throws -> [UInt8]? {
        while let current = rest.last {
            if let bytes = try current.next() { return bytes }
            rest.removeLast()
        }
        return nil
    }
}

/// Compresses a plain stream to one gzip member.
final class GzipSupply: ByteSupply, @unchecked Sendable {
    private let source: any ByteSupply
    /// Nil once the member has ended.
    private var stream: GzipStream?

    init(_ source: any ByteSupply) throws(SandboxError) {
        self.source = source
        do throws(FileFailure) { stream = try GzipStream(level: 1) } catch {
            throw SandboxError("zlib is out of memory")
        }
    }

    func next() throws -> [UInt8]? {
        while let stream {
            guard let bytes = try source.next() else {
                self.stream = nil
                return stream.compressed([], last: true)
            }
            let compressed = stream.compressed(bytes)
            // zlib keeps some input for itself.
            if !compressed.isEmpty { return compressed }
        }
        return nil
    }
}

/// Turns a plain stream into gzip members of at most 64 KiB of it each, as some writers do.
final class MemberSplitter: ByteSupply, @unchecked Sendable {
    /// The most bytes of the plain stream in one member.
    static let longest = 64 << 10

    private let source: any ByteSupply
    /// What is left of the source's last piece.
    private var rest: ArraySlice<UInt8> = []

    init(_ source: any ByteSupply) { self.source = source }

    func next() throws -> [UInt8]? {
        while rest.isEmpty {
            guard let piece = try source.next() else { return nil }
            rest = piece[...]
        }
        let content = rest.prefix(Self.longest)
        rest = rest.dropFirst(content.count)
        return Gzip.member(Array(content))
    }
}
