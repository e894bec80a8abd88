import Files

/// The queue's file: `export/sentry.jsonl` in a store, one JSON object a line.
enum ExportJournal {
    /// The largest file that is read, in bytes.
    static let largest = 256 << 20
    /// The size from which the file is rewritten, in bytes.
    static let rewriteFrom: UInt64 = 1 << 20

    /// The file's path in a store.
    static func path(_ store: String) -> String { store + "/export/sentry.jsonl" }

    /// Applies a file's records to a queue; returns the number of lines that are none, and the length of the whole lines.
    static func replay(_ bytes: [UInt8], into queue: inout ExportQueue) -> (unreadable: Int, length: Int) {
        let lines = LineJournal.lines(bytes)
        var unreadable = 0
        for line in lines {
            if let record = ExportRecord(line) { queue.replay(record) } else { unreadable += 1 }
        }
        return (unreadable, lines.last.map { $0.endIndex + 1 } ?? 0)
    }

    /// Reads the queue of a store without changing it; nil if there is none.
    static func read(_ store: String) throws(ExportError) -> (queue: ExportQueue, unreadable: Int)? {
        let path = path(store)
        let bytes: [UInt8]?
        do throws(FileFailure) { bytes = try LineJournal.read(path, limit: largest) } catch {
            throw ExportError(error, path)
        }
        guard let bytes else { return nil }
        var queue = ExportQueue(seed: 0)
        let (unreadable, _) = replay(bytes, into: &queue)
        return (queue, unreadable)
    }
}
