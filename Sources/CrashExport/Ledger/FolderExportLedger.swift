import Bytes
import Digest
import Files
import Glibc
import JSON
import Text

/// Which crashes were sent and which were not, by session: files below `export/sentry/` in a store, one for each of the 256
/// first bytes of the SHA-256 of a session's id. Only appended to, so that it survives everything that rebuilds the
/// catalog. One process writes it, the one with the store's lock; others read.
public struct FolderExportLedger: ExportLedger {
    /// The size from which a file is replaced by its newer half, in bytes.
    let mostBytes: Int
    private let folder: String

    /// - Parameters:
    ///   - store: the store's folder.
    ///   - mostBytes: by default 4 MiB, some 20,000 crashes: with all files, some five million.
    public init(store: String, mostBytes: Int = 4 << 20) {
        folder = store + "/export/sentry"
        self.mostBytes = mostBytes
    }

    /// The file of a session.
    func path(_ session: String) -> String {
        "\(folder)/\(Hex.text(SHA256.digest(session.utf8).prefix(1))).jsonl"
    }

    /// Adds an entry and waits until it is on the disk.
    public func append(_ entry: ExportEntry) throws(ExportError) {
        let path = path(entry.session)
        do throws(FileFailure) {
            try Folders.make(folder)
            let isNew = access(path, F_OK) != 0
            let file = try OpenFile(path, O_RDWR | O_CREAT)
            if isNew { try Folders.sync(folder) }
            let size = try file.size
            // What an interrupted write left becomes a line of its own, which is not an entry.
            let last = try file.read(at: max(1, size) - 1, count: 1)
            let isTorn = !last.isEmpty && last != [0x0A]
            let line = (isTorn ? [0x0A] : []) + entry.line + [0x0A]
            guard size + UInt64(line.count) <= UInt64(mostBytes) else { return try shorten(file, adding: line, path) }
            try file.append(line, at: size)
            try file.sync()
        } catch {
            throw ExportError(error, path)
        }
    }

    /// The latest entry of each crash of a session, in the order in which they were added; empty if there is none.
    public func entries(of session: String) throws(ExportError) -> [ExportEntry] {
        let path = path(session)
        let bytes: [UInt8]?
        do throws(FileFailure) { bytes = try LineJournal.read(path, limit: mostBytes) } catch {
            throw ExportError(error, path)
        }
        guard let bytes else { return [] }
        var start = JSONLine()
        start.add("session", session)
        // Each line begins with its session: only those of this one are read.
        let prefix = start.utf8.dropLast()
        var found: [ExportEntry] = []
        for line in LineJournal.lines(bytes) where line.starts(with: prefix) {
            guard let entry = ExportEntry(line), entry.session.hasSameBytes(as: session) else { continue }
            found.removeAll { $0.crash.hasSameBytes(as: entry.crash) }
            found.append(entry)
        }
        return found
    }

    private func shorten(_ file: OpenFile, adding line: [UInt8], _ path: String) throws(FileFailure) {
        let bytes = try file.rest(limit: mostBytes)
        let lines = LineJournal.lines(bytes)
        var kept: [UInt8] = []
        for line in lines.suffix(lines.count / 2) { kept += line + [0x0A] }
        try Replacement.write(kept + line, to: path)
    }
}
