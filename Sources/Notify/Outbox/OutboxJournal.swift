import Files

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

    private let journal: LineJournal

    /// Opens the file for writing and returns what is in it; creates it if it is missing.
    ///
    /// - Throws: ``NotifyError`` with `outboxUnusable`; nothing was changed.
    init(_ store: String) throws(NotifyError) {
        let path = Self.path(store)
        do throws(FileFailure) {
            journal = try LineJournal(path, rewriteFrom: Self.rewriteFrom)
        } catch {
            throw Self.unusable(error, path)
        }
    }

    /// Reads the whole file. Cuts off a torn last line, and keeps a copy of a file with unreadable lines beside it, because
    /// the next rewrite would lose them.
    func load() throws(NotifyError) -> Content {
        do throws(FileFailure) {
            let bytes = try journal.load(limit: Self.largest)
            let content = Self.parse(bytes)
            if !content.unreadable.isEmpty { try Replacement.write(bytes, to: journal.path + ".damaged") }
            try journal.begin(at: content.end)
            return content
        } catch {
            throw Self.unusable(error, journal.path)
        }
    }

    /// Appends records and waits until they are on the disk.
    func append(_ records: [OutboxRecord]) throws(NotifyError) {
        do throws(FileFailure) { try journal.append(records.map(\.line)) } catch {
            throw Self.unusable(error, journal.path)
        }
    }

    /// Whether the file has grown so much that it should be replaced.
    var wantsRewrite: Bool { journal.wantsRewrite }

    /// Replaces the file by one with these records, by rename.
    func rewrite(_ records: [OutboxRecord]) throws(NotifyError) {
        do throws(FileFailure) { try journal.rewrite(records.map(\.line)) } catch {
            throw Self.unusable(error, journal.path)
        }
    }

    /// Reads the file of a store without changing it; nil if there is none.
    static func read(_ store: String) throws(NotifyError) -> Content? {
        let path = path(store)
        do throws(FileFailure) { return try LineJournal.read(path, limit: largest).map(parse) } catch {
            throw unusable(error, path)
        }
    }

    /// Splits lines and reads the records; pure.
    static func parse(_ bytes: [UInt8]) -> Content {
        var content = Content()
        let lines = LineJournal.lines(bytes)
        for (index, line) in lines.enumerated() {
            if let record = OutboxRecord(line) {
                content.records.append(record)
            } else {
                content.unreadable.append(index + 1)
            }
        }
        content.end = lines.last.map { $0.endIndex + 1 } ?? 0
        content.isTorn = content.end < bytes.count
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
