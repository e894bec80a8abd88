import Files
import Glibc
import Text

/// The outbox's file: one JSON object a line, only appended to, and replaced by a shorter one by rename when it has grown.
/// One process writes it, the one with the store's lock; others read.
final class OutboxJournal {
    /// What was found in the file.
    struct Content {
        var records: [OutboxRecord] = []
        /// The number of bytes up to the end of the last whole line.
        var end = 0
        /// Whether a part of a line follows, left by a write that was interrupted.
        var isTorn = false
        /// The numbers of lines that are not records, from 1.
        var unreadable: [Int] = []
    }

    /// The largest file that is read, in bytes.
    static let largest = 256 << 20
    /// The size from which the file is rewritten, in bytes.
    static let rewriteFrom: UInt64 = 1 << 20

    /// The file's path in a store.
    static func path(_ store: String) -> String { store + "/notify/outbox.jsonl" }

    private let file: OpenFile
    private let path: String
    private var end: UInt64
    private var rewriteAt: UInt64

    /// Opens the file for writing and returns what is in it; creates it if it is missing. Cuts off a torn last line, and
    /// keeps a copy of a file with unreadable lines beside it, because the next rewrite would lose them.
    ///
    /// - Throws: ``NotifyError`` with `outboxUnusable`; nothing was changed.
    init(_ store: String) throws(NotifyError) {
        path = Self.path(store)
        do throws(FileFailure) {
            try Folders.make(Folders.split(path).folder)
            file = try OpenFile(path, O_RDWR | O_CREAT)
            try Folders.sync(Folders.split(path).folder)
            end = try file.size
        } catch {
            throw Self.unusable(error, path)
        }
        rewriteAt = Self.rewriteFrom
    }

    private init(file: OpenFile, path: String, end: UInt64) {
        self.file = file
        self.path = path
        self.end = end
        rewriteAt = max(Self.rewriteFrom, end &* 4)
    }

    /// Reads the whole file.
    func load() throws(NotifyError) -> Content {
        let content: Content
        do throws(FileFailure) {
            let bytes = try file.rest(limit: Self.largest)
            content = Self.parse(bytes)
            if !content.unreadable.isEmpty {
                let copy = path + ".damaged"
                try Replacement.write(bytes, to: copy)
            }
            if content.isTorn { try file.truncate(to: UInt64(content.end)) }
        } catch {
            throw Self.unusable(error, path)
        }
        end = UInt64(content.end)
        // Short-lived processes add a little each; one of them must shorten the file.
        rewriteAt = Self.rewriteFrom
        return content
    }

    /// Appends records and waits until they are on the disk.
    func append(_ records: [OutboxRecord]) throws(NotifyError) {
        var bytes: [UInt8] = []
        for record in records { bytes += record.line + [0x0A] }
        do throws(FileFailure) {
            try file.append(bytes, at: end)
            try file.sync()
        } catch {
            throw Self.unusable(error, path)
        }
        end &+= UInt64(bytes.count)
    }

    /// Whether the file has grown so much that it should be replaced.
    var wantsRewrite: Bool { end > rewriteAt }

    /// Replaces the file by one with these records, by rename.
    func rewritten(_ records: [OutboxRecord]) throws(NotifyError) -> OutboxJournal {
        var bytes: [UInt8] = []
        for record in records { bytes += record.line + [0x0A] }
        do throws(FileFailure) {
            try Replacement.write(bytes, to: path)
            return OutboxJournal(file: try OpenFile(path, O_RDWR), path: path, end: UInt64(bytes.count))
        } catch {
            throw Self.unusable(error, path)
        }
    }

    /// Reads the file of a store without changing it; nil if there is none.
    static func read(_ store: String) throws(NotifyError) -> Content? {
        let path = path(store)
        do throws(FileFailure) {
            let file: OpenFile
            do throws(FileFailure) { file = try OpenFile(path, O_RDONLY) } catch {
                if error.isAbsence { return nil }
                throw error
            }
            return parse(try file.rest(limit: largest))
        } catch {
            throw unusable(error, path)
        }
    }

    /// Splits lines and reads the records; pure.
    static func parse(_ bytes: [UInt8]) -> Content {
        var content = Content()
        var start = 0
        var number = 0
        while let newline = bytes[start...].firstIndex(of: 0x0A) {
            number += 1
            if let record = OutboxRecord(bytes[start..<newline]) {
                content.records.append(record)
            } else {
                content.unreadable.append(number)
            }
            start = newline + 1
        }
        content.end = start
        content.isTorn = start < bytes.count
        return content
    }

    private static func unusable(_ error: FileFailure, _ path: String) -> NotifyError {
        NotifyError(
            .outboxUnusable, "the outbox of notifications cannot be used: \(error.message)",
            path: error.path.isEmpty ? path : error.path,
            hint: error.isFull
                ? "free space on the store's disk; events wait in memory meanwhile"
                : "check owner and mode; what waits in it is delivered once it can be read")
    }
}
