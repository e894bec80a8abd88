internal import Files
internal import Glibc
public import Pack
public import PackHome

/// Maintains the records under `filters/`, all of which can be rebuilt from the packs.
public enum FilterLog {
    /// Encodes the record of a pack's filters for its day's file.
    ///
    /// - Parameters:
    ///   - pack: the pack's path relative to the store, `packs/2026/11/20/<session>.pack`.
    ///   - packBytes: its size in bytes.
    ///   - filters: the filter of each block in the current format, empty for none; nil when they are stored in the
    ///     pack, which a search then opens.
    public static func record(pack: String, packBytes: UInt64, filters: [[UInt8]]?) -> [UInt8] {
        FilterRow.encode(
            path: pack, packBytes: packBytes, filters: filters ?? [],
            format: filters == nil ? FilterRow.inPack : BlockFilter.format)
    }

    /// Adds to a record that ``record(pack:packBytes:filters:)`` made where the pack's blocks are, for a pack in a bucket.
    ///
    /// - Throws: ``BlockIndexError`` when the record is not for that pack, or is damaged.
    public static func record(
        _ record: [UInt8], of pack: String, placedBy reader: PackReader
    ) throws(BlockIndexError) -> [UInt8] {
        let placed = record.withUnsafeBytes { bytes -> [UInt8]? in
            guard let row = FilterRow(bytes), row.totalLength == bytes.count, row.packBytes == reader.fileSize,
                row.path.elementsEqual(pack.utf8)
            else { return nil }
            return row.located(PackPlaces(reader))
        }
        guard let placed else {
            throw BlockIndexError(code: .record, message: "the filter record is not for \(pack)", path: pack)
        }
        return placed
    }

    /// The record of a pack in a bucket, from the filters in the pack, or else from its text.
    ///
    /// - Throws: ``BlockIndexError`` when memory is short.
    public static func placedRecord(of pack: String, _ reader: PackReader) throws(BlockIndexError) -> [UInt8] {
        let filters = try filters(of: pack, reader)
        let places = PackPlaces(reader)
        let isUsable = filters?.count == places.blocks.count && places.isValid(packBytes: reader.fileSize)
        return FilterRow.encode(
            path: pack, packBytes: reader.fileSize, filters: filters ?? [],
            format: filters == nil ? FilterRow.inPack : BlockFilter.format, places: isUsable ? places : nil)
    }

    /// Appends a record that ``record(pack:packBytes:filters:)`` made, and syncs it.
    ///
    /// - Throws: ``BlockIndexError`` when the record is not for that pack, or the file cannot be written. A missing
    ///   record costs later searches time, not results.
    public static func append(
        store: String, pack: String, packBytes: UInt64, record: [UInt8]
    ) throws(BlockIndexError) {
        let isSound = record.withUnsafeBytes { bytes in
            guard let row = FilterRow(bytes), row.totalLength == bytes.count else { return false }
            return row.packBytes == packBytes && row.path.elementsEqual(pack.utf8)
        }
        guard isSound else {
            throw BlockIndexError(code: .record, message: "the filter record is not for \(pack)", path: pack)
        }
        let path = try file(store: store, pack: pack)
        try append(record, to: path)
        try sync(path)
    }

    /// Rebuilds the record of a published pack from the filters in the pack, or else from its text, and appends it
    /// without a sync.
    public static func append(store: String, pack: String, reader: PackReader) throws(BlockIndexError) {
        let filters = try filters(of: pack, reader)
        try append(
            record(pack: pack, packBytes: reader.fileSize, filters: filters), to: try file(store: store, pack: pack))
    }

    /// The filter of each block of a pack; nil for a pack that contains more of them than are kept beside it.
    private static func filters(of pack: String, _ reader: PackReader) throws(BlockIndexError) -> [[UInt8]]? {
        let inPack = reader.blocks.reduce(0) { $0 + Int($1.filter?.length ?? 0) }
        guard inPack <= PackFormat.mostFiltersAside else { return nil }
        do throws(PackError) {
            let source = try FilterSource(reader)
            return reader.blocks.indices.map { source.filter(of: $0) }
        } catch {
            throw BlockIndexError(code: .resources, message: error.description, path: pack)
        }
    }

    /// Records that a pack was removed.
    public static func remove(store: String, pack: String) throws(BlockIndexError) {
        try append(
            FilterRow.encode(path: pack, packBytes: 0, filters: [], format: BlockFilter.format),
            to: try file(store: store, pack: pack))
    }

    /// Deletes the records of a pack's day once no pack of that day is left. The record of a pack written at the same
    /// moment may be lost; a search then reads the pack's own filters.
    public static func removeDay(store: String, of pack: String) throws(BlockIndexError) {
        unlink(try file(store: store, pack: pack))
    }

    /// Rebuilds all records from the packs in the store.
    ///
    /// - Parameters:
    ///   - home: where the packs are.
    ///   - packs: their paths relative to the store; unreadable ones are skipped.
    /// - Returns: the number of packs recorded.
    public static func rebuild(
        store: String, home: any PackHome, packs: some Sequence<String>
    ) throws(BlockIndexError) -> Int {
        let folder = store + "/" + FilterIndex.folder
        do throws(FileFailure) {
            let open = try OpenFolder(path: folder)
            for entry in try open.entries() where entry.kind == .file && entry.name.hasSuffix(FilterIndex.suffix) {
                try open.remove(entry)
            }
        } catch {
            guard error.isAbsence else { throw failure(error) }
        }
        var count = 0
        var files: Set<String> = []
        for pack in packs {
            guard let reader = try? home.reader(for: pack) else { continue }
            try append(store: store, pack: pack, reader: reader)
            files.insert(try file(store: store, pack: pack))
            count += 1
        }
        for path in files { try sync(path) }
        return count
    }

    /// The path of the file for a pack's record, one per day. Creates the folder.
    private static func file(store: String, pack: String) throws(BlockIndexError) -> String {
        let folder = store + "/" + FilterIndex.folder
        do throws(FileFailure) { try Folders.make(folder, below: store) } catch { throw failure(error) }
        return folder + "/" + FilterIndex.day(of: pack) + FilterIndex.suffix
    }

    private static func append(_ record: [UInt8], to path: String) throws(BlockIndexError) {
        do throws(FileFailure) {
            let file = try OpenFile(path, O_RDWR | O_CREAT)
            try file.lock(.exclusive)
            // A torn record may leave a length that is not a multiple of 8.
            let end = try file.size
            let padding = [UInt8](repeating: 0, count: Int((8 - end % 8) % 8))
            try file.append(padding + record, at: end)
        } catch {
            throw failure(error)
        }
    }

    /// Syncs a file: a pack may have no filters of its own, so the file must be as durable as the pack.
    private static func sync(_ path: String) throws(BlockIndexError) {
        do throws(FileFailure) { try OpenFile(path, O_RDWR).sync() } catch { throw failure(error) }
    }

    private static func failure(_ failure: FileFailure) -> BlockIndexError {
        BlockIndexError(
            code: .resources, message: "cannot keep the filters beside the packs: \(failure)",
            path: failure.path.isEmpty ? nil : failure.path,
            hint: "searches work without it but are slower; salvage reindex rebuilds it")
    }
}
