import CArchive
import Glibc

/// Turns a folder at hand into a tar stream, so that `salvage ingest FOLDER` goes the way of every download.
///
/// libarchive's disk reader walks the tree: links are kept as links, holes as holes, other file systems are entered,
/// nothing is followed.
public enum FolderArchive {
    /// Writes the tree below `folder` to `descriptor`; paths in the archive begin with the folder's own name.
    ///
    /// - Returns: what could not be read, one line each; the rest is in the archive.
    /// - Throws: ``IngestError`` when the folder cannot be walked at all or the archive cannot be written.
    public static func write(folder: String, to descriptor: Int32) throws(IngestError) -> [String] {
        guard let disk = archive_read_disk_new(), let out = archive_write_new() else {
            throw IngestError(.unreadable, "out of memory", path: folder)
        }
        defer {
            archive_read_free(disk)
            archive_write_free(out)
        }
        archive_read_disk_set_symlink_physical(disk)
        archive_write_set_format_pax_restricted(out)
        archive_write_set_bytes_per_block(out, 256 * 1024)
        guard archive_write_open_fd(out, descriptor) == ARCHIVE_OK else {
            throw IngestError(.packFailed, "cannot write the spool: \(words(out))", path: folder)
        }
        guard archive_read_disk_open(disk, folder) == ARCHIVE_OK else {
            throw IngestError(.unreadable, "cannot read the folder: \(words(disk))", path: folder)
        }
        return try copy(from: disk, to: out, strip: parentLength(folder), folder: folder)
    }

    private static func copy(
        from disk: OpaquePointer, to out: OpaquePointer, strip: Int, folder: String
    ) throws(IngestError) -> [String] {
        var complaints: [String] = []
        while true {
            guard let entry = archive_entry_new() else { throw IngestError(.unreadable, "out of memory", path: folder) }
            defer { archive_entry_free(entry) }
            let code = archive_read_next_header2(disk, entry)
            if code == ARCHIVE_EOF { break }
            if code != ARCHIVE_OK { complaints.append(words(disk)) }
            if code == ARCHIVE_FATAL { break }
            if code == ARCHIVE_FAILED { continue }
            archive_read_disk_descend(disk)
            rename(entry, strip: strip)
            guard archive_write_header(out, entry) >= ARCHIVE_WARN else {
                complaints.append(words(out))
                if isFull() { throw IngestError(.noSpace, "no room for the spool", path: folder) }
                continue
            }
            if archive_entry_size(entry) > 0 {
                try copyContent(from: disk, to: out, folder: folder, complaints: &complaints)
            }
        }
        guard archive_write_close(out) == ARCHIVE_OK else {
            throw IngestError(isFull() ? .noSpace : .packFailed, "cannot write the spool: \(words(out))", path: folder)
        }
        return complaints
    }

    private static func copyContent(
        from disk: OpaquePointer, to out: OpaquePointer, folder: String, complaints: inout [String]
    ) throws(IngestError) {
        let zeros = [UInt8](repeating: 0, count: 64 * 1024)
        var written: Int64 = 0
        while true {
            var block: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let code = archive_read_data_block(disk, &block, &count, &offset)
            if code == ARCHIVE_EOF { return }
            guard code >= ARCHIVE_WARN, let block else {
                complaints.append(words(disk))
                return
            }
            while written < offset {
                let some = min(Int(offset - written), zeros.count)
                let wrote = zeros.withUnsafeBytes { archive_write_data(out, $0.baseAddress, some) }
                guard wrote > 0 else { break }
                written += Int64(wrote)
            }
            let wrote = archive_write_data(out, block, count)
            guard wrote >= 0 else {
                throw IngestError(
                    isFull() ? .noSpace : .packFailed, "cannot write the spool: \(words(out))", path: folder)
            }
            written += Int64(wrote)
        }
    }

    /// Paths in the archive begin with the folder's own name, as `tar -C parent -c name` writes them.
    private static func rename(_ entry: OpaquePointer, strip: Int) {
        guard strip > 0, let path = archive_entry_pathname(entry), strlen(path) > strip else { return }
        // As bytes: a name that is not UTF-8 must not be repaired on the way.
        let shorter = [CChar](UnsafeBufferPointer(start: path + strip, count: strlen(path) - strip + 1))
        archive_entry_copy_pathname(entry, shorter)
    }

    private static func parentLength(_ folder: String) -> Int {
        let bytes = Array(folder.utf8)
        var end = bytes.count
        while end > 1, bytes[end - 1] == UInt8(ascii: "/") { end -= 1 }
        while end > 0, bytes[end - 1] != UInt8(ascii: "/") { end -= 1 }
        return end
    }

    private static func words(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { String(cString: $0) } ?? reason()
    }

    private static func isFull() -> Bool { errno == ENOSPC || errno == EDQUOT }
}
