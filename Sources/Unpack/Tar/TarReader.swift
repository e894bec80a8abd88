import CArchive
import Glibc

/// libarchive's tar reader on a gate: one entry after another, its content as pointers into the gate's pieces.
final class TarReader {
    /// The result of reading the next header.
    enum Header {
        case entry
        /// An entry whose special headers libarchive could not follow; the reader's state can no longer be trusted.
        case unusable
        /// The stream ended where a header could have begun, or after a zero block.
        case end
        /// The block is not a header; the next call reads the block after it.
        case damagedBlock
        /// This reader cannot continue.
        case fatal(cut: Bool)
    }

    /// The result of reading content.
    enum Content {
        case data(UnsafeRawBufferPointer, offset: Int64)
        case end
        case failed(cut: Bool)
    }

    private let archive: OpaquePointer
    private let entry: OpaquePointer
    private let gate: Unmanaged<TarStreamGuard>
    /// Offset in the tar stream at which this reader began.
    private let base: UInt64

    /// Creates a reader of the gate's bytes from `base` on; nil when memory is short.
    init?(gate: TarStreamGuard, from base: UInt64) {
        guard let archive = archive_read_new() else { return nil }
        guard let entry = archive_entry_new() else {
            archive_read_free(archive)
            return nil
        }
        self.archive = archive
        self.entry = entry
        self.gate = Unmanaged.passRetained(gate)
        self.base = base
        archive_read_support_format_tar(archive)
        // Continue after end-of-archive blocks, as `tar -i` does: joined archives must not lose their second half.
        archive_read_set_option(archive, "tar", "read_concatenated_archives", "1")
        let opened = archive_read_open(archive, self.gate.toOpaque(), nil, readPiece, nil)
        guard opened == ARCHIVE_OK else { return nil }
    }

    deinit {
        archive_entry_free(entry)
        archive_read_free(archive)
        gate.release()
    }

    /// Offset in the tar stream after everything used so far.
    var position: UInt64 { base &+ UInt64(bitPattern: Int64(archive_filter_bytes(archive, 0))) }

    /// libarchive's last message.
    var message: String {
        guard let text = archive_error_string(archive) else { return "unreadable tar archive" }
        return String(cString: text)
    }

    /// Whether the last header came with a warning.
    private(set) var warned = false

    /// Reads the next header.
    func nextHeader() -> Header {
        archive_clear_error(archive)
        let code = asked { archive_read_next_header2(archive, entry) }
        warned = code == ARCHIVE_WARN
        switch code {
        case ARCHIVE_OK: return .entry
        case ARCHIVE_WARN:
            // A chain of special headers without an entry has no path.
            return asked { archive_entry_pathname(entry) } == nil && asked { archive_entry_pathname_w(entry) } == nil
                ? .unusable : .entry
        case ARCHIVE_EOF: return .end
        case ARCHIVE_RETRY: return .damagedBlock
        case ARCHIVE_FAILED: return .unusable
        default: return .fatal(cut: sayCut)
        }
    }

    /// Whether the last fatal error means that the stream ended too early: libarchive has no code for that.
    private var sayCut: Bool {
        guard let text = archive_error_string(archive) else { return true }
        return String(cString: text).hasPrefix("Truncated")
    }

    /// Reads the next piece of the current entry's content; holes appear as jumps of the offset.
    func nextContent() -> Content {
        var start: UnsafeRawPointer?
        var size = 0
        var offset: la_int64_t = 0
        let code = asked { archive_read_data_block(archive, &start, &size, &offset) }
        switch code {
        case ARCHIVE_OK, ARCHIVE_WARN:
            return .data(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : size), offset: Int64(offset))
        case ARCHIVE_EOF: return .end
        default: return .failed(cut: sayCut)
        }
    }

    /// Skips the rest of the current entry's content and its padding; false when the stream ends first.
    func skipContent() -> Bool { asked { archive_read_data_skip(archive) } == ARCHIVE_OK }

    /// The number of extents in the current entry's sparse map; 0 for an ordinary file.
    var extents: UInt64 { UInt64(clamping: archive_entry_sparse_count(entry)) }

    /// The current entry as libarchive understood it.
    func header() -> EntryHeader {
        var header = EntryHeader()
        header.path = text(archive_entry_pathname, archive_entry_pathname_utf8) ?? []
        header.kind = kind
        switch header.kind {
        case .hardlink:
            header.linkTarget = text(archive_entry_hardlink, archive_entry_hardlink_utf8) ?? []
        case .symlink:
            header.linkTarget = text(archive_entry_symlink, archive_entry_symlink_utf8) ?? []
        case .characterDevice, .blockDevice:
            header.deviceMajor = UInt64(archive_entry_rdevmajor(entry))
            header.deviceMinor = UInt64(archive_entry_rdevminor(entry))
        default: break
        }
        header.size = UInt64(clamping: archive_entry_size(entry))
        header.mode = UInt32(archive_entry_perm(entry)) & 0o7777
        header.uid = Int64(archive_entry_uid(entry))
        header.gid = Int64(archive_entry_gid(entry))
        header.modifiedSeconds = Int64(archive_entry_mtime(entry))
        header.modifiedNanoseconds = min(max(Int64(archive_entry_mtime_nsec(entry)), 0), 999_999_999)
        // A pax time before 1970 is one negative number; libarchive returns its whole part, and its fraction without
        // the sign.
        if header.modifiedSeconds < 0, header.modifiedNanoseconds > 0, header.modifiedSeconds > .min {
            header.modifiedSeconds -= 1
            header.modifiedNanoseconds = 1_000_000_000 - header.modifiedNanoseconds
        }
        return header
    }

    private var kind: EntryKind {
        // Checked first: a hard link has no type of its own, or that of the file it carries.
        if asked({ archive_entry_hardlink(entry) }) != nil { return .hardlink }
        return switch UInt32(archive_entry_filetype(entry)) {
        case 0o040000: .directory
        case 0o120000: .symlink
        case 0o020000: .characterDevice
        case 0o060000: .blockDevice
        case 0o010000: .fifo
        case 0o140000: .socket
        default: .file
        }
    }

    /// A text of the entry, in the locale's character set or else in UTF-8.
    private func text(
        _ plain: (OpaquePointer?) -> UnsafePointer<CChar>?, _ utf8: (OpaquePointer?) -> UnsafePointer<CChar>?
    ) -> [UInt8]? {
        guard let text = asked({ plain(entry) }) ?? asked({ utf8(entry) }) else { return nil }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// Calls libarchive with a clean `errno`.
    ///
    /// When libarchive cannot convert a name, it checks `errno` for ENOMEM, even a stale one, and then gives up the
    /// archive or ends the process.
    private func asked<Answer>(_ call: () -> Answer) -> Answer {
        errno = 0
        return call()
    }
}

/// The callback through which libarchive reads from the gate.
private func readPiece(
    _: OpaquePointer?, client: UnsafeMutableRawPointer?, out: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> la_ssize_t {
    guard let client, let out else { return la_ssize_t(ARCHIVE_FATAL) }
    guard let piece = Unmanaged<TarStreamGuard>.fromOpaque(client).takeUnretainedValue().next() else {
        return la_ssize_t(ARCHIVE_FATAL)
    }
    out.pointee = piece.baseAddress
    // libarchive must not see what inflating and reading left there.
    errno = 0
    return piece.count
}
