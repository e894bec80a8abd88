import Bytes
import Text

/// The footer of a pack: the trailer, and as much of the footer as one read of the file's end returned.
struct FooterBytes: Sendable {
    let trailer: Trailer
    private let source: PackBytes
    private let tail: [UInt8]
    private let tailOffset: UInt64

    /// Footers grow with the number of blocks. This many bytes hold the footer of nearly every pack, and a search over
    /// thousands of packs copies no more.
    static func guess(_ size: UInt64) -> UInt64 { min(UInt64(PackBytes.endSize), max(4 << 10, size / 64)) }

    init(_ source: PackBytes) throws(PackError) {
        self.source = source
        let count = min(source.size, Self.guess(source.size))
        guard count >= UInt64(PackFormat.trailerSize) else {
            throw PackError(
                .notAPack, "the file is too short for a pack: \(counted(source.size, "byte"))", offset: source.size)
        }
        let bytes = try source.read(at: source.size - count, count: Int(count))
        let size = source.size
        let trailer = try bytes.withUnsafeBytes { raw in
            Result { () throws(PackError) in
                try Trailer(UnsafeRawBufferPointer(rebasing: raw.suffix(PackFormat.trailerSize)), fileSize: size)
            }
        }.get()
        self.trailer = trailer
        // Only what belongs to the footer is worth keeping.
        let first = source.size - count
        let skip = trailer.footerOffset > first ? trailer.footerOffset - first : 0
        tail = skip == 0 ? bytes : Array(bytes[Int(skip)...])
        tailOffset = first + skip
    }

    /// Returns `count` bytes from `offset`, from memory where possible. Checks the bounds.
    private func read(_ offset: UInt64, _ count: UInt64) throws(PackError) -> [UInt8] {
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, offset >= trailer.footerOffset, end <= source.size else {
            throw PackError(.damagedFooter, "a section is outside the footer", offset: offset)
        }
        if offset >= tailOffset {
            let start = Int(offset - tailOffset)
            return Array(tail[start..<start + Int(count)])
        }
        return try source.read(at: offset, count: Int(count))
    }

    /// Reads the list of sections and verifies its checksum.
    func directory() throws(PackError) -> [SectionEntry] {
        let size = UInt64(trailer.sectionCount) * UInt64(SectionEntry.size)
        let bytes = try read(trailer.directoryOffset, size)
        guard PackFormat.crc32c(bytes) == trailer.directoryChecksum else {
            throw PackError(.damagedFooter, "the directory's checksum is wrong", offset: trailer.directoryOffset)
        }
        return try bytes.withUnsafeBytes { raw in
            Result { () throws(PackError) in
                var cursor = ByteReader(raw)
                var entries: [SectionEntry] = []
                while cursor.remaining > 0 { entries.append(try SectionEntry.read(from: &cursor)) }
                return entries
            }
        }.get()
    }

    /// Returns a section's raw bytes after verifying its checksum.
    func content(_ entry: SectionEntry?, _ name: String) throws(PackError) -> [UInt8] {
        guard let entry else { throw PackError(.damagedSection, "the footer has no \(name)") }
        guard entry.storedSize <= source.size, entry.rawSize <= PackFormat.maxSectionSize else {
            throw PackError(.damagedSection, "the \(name) has an impossible size", offset: entry.offset)
        }
        let stored = try read(entry.offset, entry.storedSize)
        guard PackFormat.crc32c(stored) == entry.checksum else {
            throw PackError(.damagedSection, "the checksum of the \(name) is wrong", offset: entry.offset)
        }
        guard entry.flags & SectionEntry.compressed != 0 else {
            guard entry.rawSize == entry.storedSize else {
                throw PackError(.damagedSection, "the \(name) has an impossible size", offset: entry.offset)
            }
            return stored
        }
        return try stored.withUnsafeBytes { raw in
            Result { () throws(PackError) in try inflate(raw, entry, name) }
        }.get()
    }

    private func inflate(
        _ stored: UnsafeRawBufferPointer, _ entry: SectionEntry, _ name: String
    ) throws(PackError) -> [UInt8] {
        guard FrameDecompressor.contentSize(stored) == entry.rawSize else {
            throw PackError(.damagedSection, "the \(name) has an impossible size", offset: entry.offset)
        }
        let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: max(Int(entry.rawSize), 1), alignment: 16)
        defer { raw.deallocate() }
        let target = UnsafeMutableRawBufferPointer(rebasing: raw[..<Int(entry.rawSize)])
        do throws(PackError) {
            try FrameDecompressor().decompress(stored, into: target)
        } catch {
            guard !error.isLocalFault else { throw error }
            throw PackError(.damagedSection, "the \(name): \(error.message)", offset: entry.offset)
        }
        return Array(target)
    }
}
