/// A section header (gABI "Sections").
struct ELFSection {
    var name: String
    var type: UInt32
    var flags: UInt64
    var address: UInt64
    var offset: UInt64
    var size: UInt64
    var link: Int

    static let noBits: UInt32 = 8
    static let compressed: UInt64 = 0x800
}

/// An executable, library or debug file of the symbol store, or one unpacked from such a file.
final class SymbolFile: ModuleImage {
    let source: any ByteSource
    let header: ELFHeader
    let segments: [ELFSegment]
    let sections: [ELFSection]
    let is64: Bool
    private var pages: [UInt64: [UInt8]] = [:]

    private static let pageSize: UInt64 = 16384
    private static let sectionLimit = 65_536
    /// The most bytes of `.debug_frame` or `.eh_frame`: real programs have fewer.
    private static let frameLimit: UInt64 = 256 << 20

    /// Reads the headers; nil when the bytes are not an ELF file, or are a core.
    init?(_ source: any ByteSource) {
        guard let header = ELFHeader(source.bytes(at: 0, count: 64)), header.type != 4 else { return nil }
        self.source = source
        self.header = header
        is64 = header.is64
        segments = header.segments(
            table: source.bytes(at: header.programOffset, count: header.programCount * header.programSize))
        sections = Self.readSections(header, source)
    }

    private static func readSections(_ header: ELFHeader, _ source: any ByteSource) -> [ELFSection] {
        let width = header.is64 ? 64 : 40
        guard header.sectionSize == width, header.sectionCount < sectionLimit else { return [] }
        let table = ByteView(
            bytes: source.bytes(at: header.sectionOffset, count: header.sectionCount * width),
            bigEndian: header.bigEndian)
        func raw(_ index: Int) -> (name: UInt32, section: ELFSection)? {
            let at = index * width
            let fields = header.is64 ? [8, 16, 24, 32, 40] : [8, 12, 16, 20, 24]
            guard let name = table.u32(at), let type = table.u32(at + 4),
                let flags = table.word(at + fields[0], is64: header.is64),
                let address = table.word(at + fields[1], is64: header.is64),
                let offset = table.word(at + fields[2], is64: header.is64),
                let size = table.word(at + fields[3], is64: header.is64), let link = table.u32(at + fields[4])
            else { return nil }
            return (
                name,
                ELFSection(
                    name: "", type: type, flags: flags, address: address, offset: offset, size: size, link: Int(link))
            )
        }
        guard let names = raw(header.sectionNames)?.section else { return [] }
        let strings = ByteView(bytes: source.bytes(at: names.offset, count: Int(min(names.size, 1 << 20))))
        return (0..<header.sectionCount).compactMap { index in
            guard var entry = raw(index) else { return nil }
            entry.section.name = strings.cString(Int(entry.name), limit: 256) ?? ""
            return entry.section
        }
    }

    func section(_ name: String) -> ELFSection? {
        sections.first { $0.name == name && $0.type != ELFSection.noBits && $0.size > 0 }
    }

    /// Returns the bytes of a section; empty when it is absent, compressed or longer than `limit` bytes.
    func content(_ name: String, limit: UInt64) -> [UInt8] {
        guard let section = section(name), section.flags & ELFSection.compressed == 0, section.size <= limit else {
            return []
        }
        return source.bytes(at: section.offset, count: Int(section.size))
    }

    /// True when the file holds machine code; false for the output of `objcopy --only-keep-debug`.
    var hasCode: Bool {
        guard let text = sections.first(where: { $0.name == ".text" }) else { return !segments.isEmpty }
        return text.type != ELFSection.noBits
    }

    var hasDebugInfo: Bool { sections.contains { $0.name == ".debug_info" || $0.name == ".zdebug_info" } }

    var buildID: String? {
        let ranges =
            sections.filter { $0.type == 7 }.map { ($0.offset, $0.size) }
            + segments.filter { $0.type == ELFSegment.note }.map { ($0.offset, $0.fileSize) }
        for (offset, size) in ranges.prefix(64) where size <= 65536 {
            let notes = source.bytes(at: offset, count: Int(size))
            if let found = ELFNote.buildID(in: notes, bigEndian: header.bigEndian) { return found }
        }
        return nil
    }

    /// Reads call frame information for unwinding; `.eh_frame` is used only when the file holds the code.
    func makeCFITable() -> CFITable? {
        let frames = content(".debug_frame", limit: Self.frameLimit)
        guard hasCode || !frames.isEmpty else { return nil }
        let table = CFITable(image: self, debugFrame: frames) {
            guard hasCode, let section = section(".eh_frame") else { return nil }
            return (content(".eh_frame", limit: Self.frameLimit), section.address)
        }
        return table.isUsable ? table : nil
    }

    func bytes(atVirtual address: UInt64, count: Int) -> [UInt8] {
        guard hasCode,
            let segment = segments.first(where: {
                $0.type == ELFSegment.load && address >= $0.address && address - $0.address < $0.fileSize
            })
        else { return [] }
        let inside = address - segment.address
        let wanted = Int(min(UInt64(max(0, count)), segment.fileSize - inside))
        var at = segment.offset.addingClamped(inside)
        var result: [UInt8] = []
        while result.count < wanted {
            let start = at / Self.pageSize * Self.pageSize
            if pages[start] == nil {
                if pages.count >= 256 { pages.removeAll(keepingCapacity: true) }
                pages[start] = source.bytes(at: start, count: Int(Self.pageSize))
            }
            let page = pages[start] ?? []
            let skip = Int(at - start)
            guard skip < page.count else { break }
            let take = min(page.count - skip, wanted - result.count)
            result.append(contentsOf: page[skip..<skip + take])
            at += UInt64(take)
        }
        return result
    }
}
