import Catalog
import Live
import Model
import Pack
import Terminal

/// The last lines of a session's log, escaped for a terminal.
enum LogTail {
    /// The last lines, or why there are none.
    enum Result {
        /// There is no log.
        case none
        /// The lines and the member they come from.
        case lines([String], path: [UInt8])
        /// There is a log, but it cannot be read, for this reason.
        case unreadable(String)
    }

    /// Bytes read from the end: enough for a dozen lines of an engine. Longer lines are cut for the screen anyway.
    private static let window = 16 * 1024
    private static let widest = 200

    /// Reads the end of the stdout/stderr log if there is one, else of the log that was written last.
    static func read(_ session: SessionRecord, store: String, lines count: Int) -> Result {
        guard let pack = session.pack else { return followed(session, store, count) }
        do {
            let reader = try PackReader.open(path: store + "/" + pack)
            let artifacts = try reader.artifacts()
            let logs = reader.members.indices.filter { index in
                let member = reader.members[index]
                return member.kind == .log && member.size > 0 && !member.flags.contains(.shadowed)
            }
            let output = logs.last { index in
                let artifact = Int(clamping: reader.members[index].artifact)
                return artifacts.indices.contains(artifact) && artifacts[artifact].artifact == "logs"
            }
            guard let chosen = output ?? logs.max(by: { reader.members[$0].mtime < reader.members[$1].mtime }) else {
                return .none
            }
            return .lines(try tail(of: chosen, in: reader, count), path: reader.members[chosen].path)
        } catch { return .unreadable("\(error)") }
    }

    /// Reads the end of a running session's followed log.
    private static func followed(_ session: SessionRecord, _ store: String, _ count: Int) -> Result {
        let folder = LiveStore.folder(store, session: session.session)
        do {
            guard let log = try LiveSnapshot.newest(folder: folder), log.size > 0 else { return .none }
            let start = log.size > UInt64(window) ? log.size - UInt64(window) : 0
            let bytes = try log.bytes(from: start, to: log.size)
            return .lines(lines(bytes[...], cutAbove: start > 0, count), path: Array(LiveSource.path(age: 0).utf8))
        } catch { return .unreadable("\(error)") }
    }

    private static func tail(of index: Int, in reader: PackReader, _ count: Int) throws(PackError) -> [String] {
        let size = reader.members[index].size
        let start = size > UInt64(window) ? size - UInt64(window) : 0
        let content = try reader.content(ofMember: index)
        var bytes = [UInt8](repeating: 0, count: Int(size - start))
        var filled = 0
        while filled < bytes.count {
            var failure: PackError?
            let got = bytes.withUnsafeMutableBytes { buffer -> Int in
                do throws(PackError) {
                    return try content.read(
                        at: start + UInt64(filled), into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            if got == 0 { break }
            filled += got
        }
        return lines(bytes[..<filled], cutAbove: start > 0, count)
    }

    private static func lines(_ bytes: ArraySlice<UInt8>, cutAbove: Bool, _ count: Int) -> [String] {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        // The first piece may be the end of a longer line.
        if cutAbove, lines.count > 1 { lines.removeFirst() }
        return lines.suffix(count).map { line in
            let line = line.last == 0x0D ? line.dropLast() : line
            let cut = line.count > widest
            return Escape.display(line.prefix(widest)) + (cut ? "…" : "")
        }
    }
}
