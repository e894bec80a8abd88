internal import Glibc
public import Pack

/// Keeps the records under `filters/` up to date. Everything here can be made again from the packs.
public enum FilterLog {
    /// Appends the filters of a published pack to its day's file; call it before or after the catalog's transaction.
    ///
    /// - Parameters:
    ///   - store: the store's folder.
    ///   - pack: the pack's path relative to it, `packs/2026/11/20/<session>.pack`.
    ///   - reader: the pack, open.
    /// - Throws: `LogSearchError` when the file cannot be written, `PackError` when the filters cannot be read. Either
    ///   costs later searches time, not results.
    public static func append(store: String, pack: String, reader: PackReader) throws {
        // A pack with this much of its own is opened by a search anyway; copying it would cost the memory of an ingest.
        let total = reader.blocks.reduce(0) { $0 + Int($1.filter?.length ?? 0) }
        guard total <= largestRecord else { return }
        let filters = try reader.filters()
        let rows = reader.blocks.indices.map { filters.withFilter(block: $0, Array.init) ?? [] }
        try append(
            FilterRow.encode(path: pack, packBytes: reader.fileSize, filters: rows), to: file(store: store, pack: pack))
    }

    /// Filters of one pack that are laid beside those of others, in bytes; a search asks a larger pack itself.
    private static let largestRecord = 4 << 20

    /// Records that a pack was removed.
    public static func remove(store: String, pack: String) throws(LogSearchError) {
        try append(
            FilterRow.encode(path: pack, packBytes: 0, filters: []), to: try file(store: store, pack: pack))
    }

    /// Drops the records of the day that a pack belonged to, once no pack of that day is left. Should one be written at
    /// the same moment, its record may go too: a search then asks the pack itself.
    public static func removeDay(store: String, of pack: String) throws(LogSearchError) {
        unlink(try file(store: store, pack: pack))
    }

    /// Makes all records again from packs that lie in the store.
    /// - Parameter packs: their paths relative to the store; those that cannot be read are left out.
    /// - Returns: the number of packs recorded.
    public static func rebuild(store: String, packs: some Sequence<String>) throws(LogSearchError) -> Int {
        let folder = store + "/" + FilterIndex.folder
        if let handle = opendir(folder) {
            var names: [String] = []
            while let entry = readdir(handle) {
                names.append(
                    withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    })
            }
            closedir(handle)
            for name in names where name.hasSuffix(FilterIndex.suffix) { unlink(folder + "/" + name) }
        }
        var count = 0
        for pack in packs {
            guard let reader = try? PackReader.open(path: store + "/" + pack) else { continue }
            do { try append(store: store, pack: pack, reader: reader) } catch let error as LogSearchError {
                throw error
            } catch { continue }
            count += 1
        }
        return count
    }

    /// The file that holds a pack's record: one for each day.
    private static func file(store: String, pack: String) throws(LogSearchError) -> String {
        let folder = store + "/" + FilterIndex.folder
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw failure("creating the folder of filters", folder) }
        return folder + "/" + FilterIndex.day(of: pack) + FilterIndex.suffix
    }

    private static func append(_ record: [UInt8], to path: String) throws(LogSearchError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("opening a file of filters", path) }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX) == 0 else { throw failure("locking a file of filters", path) }
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw failure("seeking in a file of filters", path) }
        // A torn record may have left an odd length.
        let start = (end + 7) / 8 * 8
        var done = 0
        while done < record.count {
            let count = record.withUnsafeBytes { bytes in
                pwrite(
                    descriptor, bytes.baseAddress.map { $0 + done }, record.count - done, off_t(start) + off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure("writing a file of filters", path)
                ftruncate(descriptor, off_t(end))
                throw error
            }
            done += count
        }
    }

    private static func failure(_ doing: String, _ path: String) -> LogSearchError {
        LogSearchError(
            code: .resources, message: "\(doing) \(path): \(String(cString: strerror(errno)))",
            hint: "searches work without it and are slower; salvage reindex makes it again")
    }
}
