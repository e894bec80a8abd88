import Bytes

/// Writes the footer of a pack, section by section, as a skippable frame whose length is filled in at the end.
struct FooterWriter {
    private let sink: PackFileWriter
    private let start: UInt64
    private let compressor: FrameCompressor
    private var directory = ByteWriter()
    private var sections: UInt32 = 0

    /// Sections up to this many bytes are stored uncompressed.
    private static let smallest = 4096
    /// Sections above this many bytes are compressed as a stream, to keep them out of memory.
    static let largest: UInt64 = 1 << 20

    /// Begins the footer after everything that `sink` has written.
    init(_ sink: PackFileWriter) throws(PackError) {
        self.sink = sink
        start = sink.offset
        compressor = try FrameCompressor(level: 3)
        var header = ByteWriter()
        header.put(PackFormat.footerFrame)
        header.put(UInt32(0))
        try sink.append(header.bytes)
    }

    /// Adds a section held in memory.
    mutating func add(_ id: SectionID, _ bytes: [UInt8]) throws(PackError) {
        try Self.check(UInt64(bytes.count))
        var stored = bytes
        var flags: UInt32 = 0
        if stored.count > Self.smallest {
            let smaller = try compressor.compress(stored)
            if smaller.count < stored.count {
                stored = smaller
                flags = SectionEntry.compressed
            }
        }
        let offset = sink.offset
        try sink.append(stored)
        enter(id, flags, offset, UInt64(bytes.count), PackFormat.crc32c(stored))
    }

    /// Adds a section of `size` bytes that `fill` passes on in pieces.
    mutating func add(
        _ id: SectionID, size: UInt64,
        _ fill: ((UnsafeRawBufferPointer) throws(PackError) -> Void) throws(PackError) -> Void
    ) throws(PackError) {
        guard size > Self.largest else {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Int(size))
            try fill { (piece) throws(PackError) in bytes.append(contentsOf: piece) }
            return try add(id, bytes)
        }
        try Self.check(size)
        let offset = sink.offset
        var checksum: UInt32 = 0
        let stream = try FrameStream(level: 3, size: size)
        func keep(_ piece: UnsafeRawBufferPointer) throws(PackError) {
            checksum = PackFormat.crc32c(piece, continuing: checksum)
            try sink.append(piece)
        }
        try fill { (piece) throws(PackError) in try stream.push(piece, keep) }
        try stream.finish(keep)
        enter(id, SectionEntry.compressed, offset, size, checksum)
    }

    /// Writes directory and trailer, fills in the length and flushes the sink.
    mutating func finish() throws(PackError) {
        let directoryOffset = sink.offset
        let content = directoryOffset - start - 8 + UInt64(directory.bytes.count + PackFormat.trailerSize)
        guard content < UInt64(UInt32.max) else { throw PackError(.tooLarge, "the footer would exceed 4 GiB") }
        let trailer = Trailer(
            footerOffset: start, footerLength: content + 8, directoryOffset: directoryOffset, sectionCount: sections,
            directoryChecksum: PackFormat.crc32c(directory.bytes))
        try sink.append(directory.bytes)
        try sink.append(trailer.bytes)
        var length = ByteWriter()
        length.put(UInt32(content))
        try sink.patch(length.bytes, at: start + 4)
        try sink.flush()
    }

    private mutating func enter(
        _ id: SectionID, _ flags: UInt32, _ offset: UInt64, _ size: UInt64, _ checksum: UInt32
    ) {
        let entry = SectionEntry(
            id: id.rawValue, flags: flags, offset: offset, storedSize: sink.offset - offset, rawSize: size,
            checksum: checksum)
        entry.write(to: &directory)
        sections += 1
    }

    private static func check(_ size: UInt64) throws(PackError) {
        guard size <= PackFormat.maxSectionSize else {
            throw PackError(.tooLarge, "a section of the footer would have \(size) bytes")
        }
    }
}
