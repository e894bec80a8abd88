import Glibc

/// The log of a running session while it is followed: `live/<escaped session>/log`.
///
/// The API can only replay a log from its start, so each new connection sends first what is here already. Those bytes
/// are compared and not written again. Where they differ, the log up to now is put aside as `log.N` and the new one
/// goes on from what both have in common: neither is lost. Used by one task at a time; its calls wait for the disk.
final class LiveLog: @unchecked Sendable {
    static let name = "log"

    let folder: String
    /// Bytes stored under ``path``.
    private(set) var bytes: UInt64
    private let limit: UInt64
    private var descriptor: Int32
    /// How far the current connection has come; below ``bytes`` it replays.
    private var position: UInt64 = 0

    var path: String { folder + "/" + LiveLog.name }

    /// Opens or starts the log in a folder that exists.
    init(folder: String, limit: UInt64) throws(SystemFailure) {
        self.folder = folder
        self.limit = limit
        (descriptor, bytes) = try LiveLog.open(folder + "/" + LiveLog.name)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private static func open(_ path: String) throws(SystemFailure) -> (Int32, UInt64) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemFailure.last("open", path) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else {
            let failure = SystemFailure.last("fstat", path)
            close(descriptor)
            throw failure
        }
        return (descriptor, UInt64(clamping: facts.st_size))
    }

    /// A new connection replays from the start.
    func reconnected() { position = 0 }

    /// Takes in what a connection sends next; returns false when the log has reached its limit.
    func take(_ piece: UnsafeRawBufferPointer) throws(SystemFailure) -> Bool {
        var rest = piece
        if position < bytes {
            let common = try compare(rest)
            position += UInt64(common)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(common))
            // A difference, and not merely the end of what is stored or of what was sent.
            if !rest.isEmpty, position < bytes { try branch() }
        }
        guard !rest.isEmpty else { return true }
        let room = limit > bytes ? limit - bytes : 0
        let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(clamping: room)))
        if let failure = Spool.write(part, to: descriptor, path) { throw failure }
        bytes += UInt64(part.count)
        position = bytes
        return part.count == rest.count
    }

    /// How many of the bytes are stored already at the current position.
    private func compare(_ piece: UnsafeRawBufferPointer) throws(SystemFailure) -> Int {
        var stored = [UInt8](repeating: 0, count: min(piece.count, Int(clamping: bytes - position)))
        let count = pread(descriptor, &stored, stored.count, off_t(position))
        guard count >= 0 else { throw SystemFailure.last("pread", path) }
        return zip(stored.prefix(count), piece).prefix { $0 == $1 }.count
    }

    /// Puts the stored log aside and goes on with a copy of its beginning.
    private func branch() throws(SystemFailure) {
        var number = 1
        while access("\(path).\(number)", F_OK) == 0, number < 1000 { number += 1 }
        let aside = "\(path).\(number)"
        guard rename(path, aside) == 0 else { throw SystemFailure.last("rename", path) }
        let old = descriptor
        defer { close(old) }
        (descriptor, bytes) = try LiveLog.open(path)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes < position {
            let count = pread(old, &buffer, Int(clamping: min(UInt64(buffer.count), position - bytes)), off_t(bytes))
            guard count > 0 else { throw SystemFailure.last("pread", aside) }
            try Spool.write(buffer.prefix(count), to: descriptor, path)
            bytes += UInt64(count)
        }
    }

    /// Makes what is stored last.
    func sync() throws(SystemFailure) {
        guard fdatasync(descriptor) == 0 else { throw SystemFailure.last("fdatasync", path) }
    }

    /// Whether one file begins with all of another: whether a log fetched at the end holds the one that was followed.
    static func begins(_ whole: String, with part: String) -> Bool {
        let left = Glibc.open(whole, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard left >= 0 else { return false }
        defer { close(left) }
        let right = Glibc.open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard right >= 0 else { return false }
        defer { close(right) }
        var one = [UInt8](repeating: 0, count: 65_536)
        var other = one
        var offset: off_t = 0
        while true {
            let count = pread(right, &other, other.count, offset)
            guard count > 0 else { return count == 0 }
            guard pread(left, &one, count, offset) == count, one.prefix(count) == other.prefix(count) else {
                return false
            }
            offset += off_t(count)
        }
    }
}
