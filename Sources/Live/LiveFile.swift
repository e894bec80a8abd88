internal import Glibc
internal import Pack

/// A failed system call on a followed log.
public struct LiveFailure: Error, Sendable, CustomStringConvertible {
    /// The name of the call.
    public var call: String
    /// The path of the file or folder.
    public var path: String
    /// The system's error number.
    public var code: Int32

    /// Whether the disk is full, or a quota or size limit is reached.
    public var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

    /// Whether the file or folder does not exist; no other failure means that.
    public var isAbsence: Bool { code == ENOENT || code == ENOTDIR }

    /// The failure in the system's words.
    public var description: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "\(call) \(path): error \(code)" }
        let text = buffer.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return "\(call) \(path): \(text)"
    }

    static func last(_ call: String, _ path: String) -> LiveFailure {
        LiveFailure(call: call, path: path, code: errno)
    }
}

/// One open file of a followed log.
final class LiveFile: @unchecked Sendable {
    // Unchecked: the descriptor does not change, and the kernel orders reads and writes at given offsets.
    let path: String
    let descriptor: Int32

    init(_ path: String, flags: Int32 = O_RDONLY) throws(LiveFailure) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw LiveFailure.last("open", path) }
    }

    deinit { close(descriptor) }

    var size: UInt64 {
        get throws(LiveFailure) {
            var facts = stat()
            guard fstat(descriptor, &facts) == 0 else { throw LiveFailure.last("fstat", path) }
            return UInt64(clamping: facts.st_size)
        }
    }

    /// Reads from an offset until the buffer is full or the file ends; returns the number of bytes read.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(LiveFailure) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(clamping: offset &+ UInt64(filled)))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw LiveFailure.last("pread", path) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    func read(at offset: UInt64, count: Int) throws(LiveFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(LiveFailure) in try read(at: offset, into: buffer) }
        }
        bytes.removeLast(bytes.count - (try outcome.get()))
        return bytes
    }

    /// Appends all of the bytes at `end`, or cuts the file back to `end` and throws.
    func append(_ bytes: UnsafeRawBufferPointer, at end: UInt64) throws(LiveFailure) {
        var rest = bytes
        var place = end
        while !rest.isEmpty {
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(clamping: place))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = LiveFailure.last("write", path)
                ftruncate(descriptor, off_t(clamping: end))
                throw failure
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            place &+= UInt64(count)
        }
    }

    /// Appends all of the bytes at `end`, or cuts the file back to `end` and throws.
    func append(_ bytes: [UInt8], at end: UInt64) throws(LiveFailure) {
        let outcome = bytes.withUnsafeBytes { buffer in
            Result { () throws(LiveFailure) in try append(buffer, at: end) }
        }
        try outcome.get()
    }

    func sync() throws(LiveFailure) {
        guard fdatasync(descriptor) == 0 else { throw LiveFailure.last("fdatasync", path) }
    }

    /// Opens a file for reading; nil when it does not exist.
    static func ifThere(_ path: String) throws(LiveFailure) -> LiveFile? {
        do throws(LiveFailure) { return try LiveFile(path) } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// The names in a folder, symbolic links left out; empty when the folder does not exist.
    static func names(in path: String) throws(LiveFailure) -> [String] {
        do throws(PackError) {
            return try OpenFolder(path: path).entries().compactMap { $0.kind == .link ? nil : $0.name }
        } catch {
            if error.isAbsence { return [] }
            throw LiveFailure(call: "readdir", path: path, code: error.errno ?? EIO)
        }
    }
}

/// The names of a followed log's files: `N.blocks` holds the sealed blocks of generation N, `N.OFFSET.tail` the bytes
/// from OFFSET on that are not sealed.
enum LiveName {
    static func blocks(_ generation: Int) -> String { "\(generation).blocks" }

    static func tail(_ generation: Int, _ base: UInt64) -> String { "\(generation).\(base).tail" }

    /// Parses a name; `base` is nil for sealed blocks.
    static func parse(_ name: String) -> (generation: Int, base: UInt64?)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let generation = parts.first.flatMap({ Int($0) }), generation >= 0 else { return nil }
        if parts.count == 2, parts[1] == "blocks" { return (generation, nil) }
        guard parts.count == 3, parts[2] == "tail", let base = UInt64(parts[1]) else { return nil }
        return (generation, base)
    }

    /// The generations in a folder, oldest first.
    static func generations(_ names: [String]) -> [Int] { Set(names.compactMap { parse($0)?.generation }).sorted() }

    /// The offsets in the log at which the tails of a generation begin, ascending.
    static func bases(_ names: [String], _ generation: Int) -> [UInt64] {
        names.compactMap { name in
            guard let parsed = parse(name), parsed.generation == generation else { return nil }
            return parsed.base
        }.sorted()
    }
}
