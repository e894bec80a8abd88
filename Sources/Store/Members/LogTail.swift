import Catalog
import JSON
import Live
import Model
import Pack

/// The last lines of a session's log.
public enum LogTail: Sendable {
    /// There is no log.
    case none
    /// The lines, without their line ends, and the path of the member they come from. Bytes from the container: any
    /// encoding, control characters included.
    case lines([[UInt8]], path: [UInt8])
    /// There is a log, but it cannot be read.
    case unreadable(StoreError)

    /// Bytes read from the end: enough for a dozen lines of an engine, which may be long.
    private static let window = 16 * 1024

    /// Reads the end of the log of a session: from its pack, or from its followed log if it has none.
    static func read(_ session: SessionRecord, in store: Store, lines count: Int) -> LogTail {
        do {
            return try session.pack == nil ? followed(session, store, count) : packed(session, store, count)
        } catch { return .unreadable(StoreError(error)) }
    }

    private static func packed(_ session: SessionRecord, _ store: Store, _ count: Int) throws -> LogTail {
        let pack = try SessionPack(session, in: store)
        guard let index = try pack.lastLogMember() else { return .none }
        let member = pack.reader.members[index]
        let content = try pack.reader.content(ofMember: index)
        let end = try end(of: member.size) { try content.read(at: $0, into: $1) }
        return .lines(lines(end.bytes, cutAbove: end.isCut, count), path: member.path)
    }

    private static func followed(_ session: SessionRecord, _ store: Store, _ count: Int) throws -> LogTail {
        let folder = LiveStore.folder(store.path, session: session.session)
        guard let log = try LiveSnapshot.newest(folder: folder), log.size > 0 else { return .none }
        let end = try end(of: log.size) { try log.read(at: $0, into: $1) }
        return .lines(lines(end.bytes, cutAbove: end.isCut, count), path: Array(LiveSource.path(age: 0).utf8))
    }

    /// Reads the last bytes of `size`; `isCut` says that more come before them.
    private static func end(
        of size: UInt64, read: (UInt64, UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> (bytes: ArraySlice<UInt8>, isCut: Bool) {
        let start = size > UInt64(window) ? size - UInt64(window) : 0
        var bytes = [UInt8](repeating: 0, count: Int(size - start))
        var filled = 0
        while filled < bytes.count {
            let count = try bytes.withUnsafeMutableBytes { buffer in
                try read(start + UInt64(filled), UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            if count == 0 { break }
            filled += count
        }
        return (bytes[..<filled], start > 0)
    }

    private static func lines(_ bytes: ArraySlice<UInt8>, cutAbove: Bool, _ count: Int) -> [[UInt8]] {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        // The first piece may be the end of a longer line.
        if cutAbove, lines.count > 1 { lines.removeFirst() }
        return lines.suffix(count).map { Array($0.last == 0x0D ? $0.dropLast() : $0) }
    }
}
