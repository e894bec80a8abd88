import Model

/// A module of a core or minidump, with what unwinding needs to find its tables.
struct MappedModule: Sendable {
    var record: CrashModule
    /// What to add to an address in the file to get the address in memory.
    var bias: UInt64
    /// Program headers as found in memory; empty when the headers were not dumped.
    var segments: [ELFSegment]
    /// Ranges mapped executable.
    var code: [Range<UInt64>]
    /// The name under which Breakpad stores the module's symbols.
    var debugFile: String?

    var end: UInt64 { record.base.value &+ record.size }

    func contains(_ address: UInt64) -> Bool { address >= record.base.value && address < end }
}

/// Finds the executables and libraries among the file mappings of a core.
enum CoreModules {
    private static let limit = 4096
    private static let sysinfoHeader: UInt64 = 33

    static func find(notes: CoreNotes, memory: CoreMemory, segments: [ELFSegment]) -> [MappedModule] {
        let executable = segments.filter { $0.type == ELFSegment.load && $0.flags & 1 != 0 && $0.memorySize > 0 }
            .map { $0.address..<$0.address.addingClamped($0.memorySize) }.sorted { $0.lowerBound < $1.lowerBound }
        let groups = groups(notes.mappings.sorted { $0.start < $1.start }, memory: memory)
        var modules: [MappedModule] = []
        for group in groups where modules.count < limit {
            if let module = module(group, memory: memory, executable: executable) { modules.append(module) }
        }
        if let address = notes.auxiliary[sysinfoHeader], memory.holds(address) {
            let mapping = CoreNotes.Mapping(
                start: address, end: memory.end(of: address) ?? address, fileOffset: 0, path: "linux-vdso.so.1")
            if let vdso = module([mapping], memory: memory, executable: executable) { modules.append(vdso) }
        }
        return modules.sorted { $0.record.base < $1.record.base }
    }

    /// Groups the mappings by module. When a linker packs small segments into one page of the file, that page is mapped
    /// several times, each time at offset 0: the image's headers tell where the module ends.
    private static func groups(_ mappings: [CoreNotes.Mapping], memory: CoreMemory) -> [[CoreNotes.Mapping]] {
        var groups: [[CoreNotes.Mapping]] = []
        var reach: UInt64 = 0
        for mapping in mappings {
            if let last = groups.indices.last, let head = groups[last].first, head.path == mapping.path,
                mapping.fileOffset > 0 || mapping.start < reach
            {
                groups[last].append(mapping)
                continue
            }
            groups.append([mapping])
            reach = mapping.fileOffset == 0 ? ELFImage(memory: memory, base: mapping.start)?.reach ?? 0 : 0
        }
        return groups
    }

    /// The suffix that the kernel adds to the path of a file deleted or replaced while it is mapped.
    private static let deleted = " (deleted)"

    /// Makes a module from the mappings of one path; nil for a mapped data file.
    private static func module(
        _ group: [CoreNotes.Mapping], memory: CoreMemory, executable: [Range<UInt64>]
    ) -> MappedModule? {
        guard let first = group.first, let last = group.last, last.end > first.start else { return nil }
        var file = first.path.split(separator: "/").last.map(String.init) ?? first.path
        if file.hasSuffix(deleted) { file = String(file.dropLast(deleted.count)) }
        let name = NameAllowance.cut(file, to: NameAllowance.longestName)
        var record = CrashModule(
            name: name, path: first.path, base: Address(first.start), size: last.end - first.start)
        let code = group.flatMap { mapping in
            executable.filter { $0.lowerBound < mapping.end && mapping.start < $0.upperBound }
                .map { max($0.lowerBound, mapping.start)..<min($0.upperBound, mapping.end) }
        }
        let image = ELFImage(memory: memory, base: first.start)
        guard image != nil || !code.isEmpty else { return nil }
        record.buildID = image?.buildID
        if image != nil, record.buildID == nil {
            record.firstPage = FirstPage.digest(memory.bytes(at: first.start, count: FirstPage.size))
        }
        return MappedModule(
            record: record, bias: image?.bias ?? first.start &- first.fileOffset, segments: image?.segments ?? [],
            code: code)
    }
}

/// The ELF headers of a module, read from memory.
struct ELFImage {
    let header: ELFHeader
    let segments: [ELFSegment]
    let bias: UInt64
    let buildID: String?

    /// One past the last byte that the program headers map.
    var reach: UInt64 {
        segments.filter { $0.type == ELFSegment.load }.map { bias &+ $0.address.addingClamped($0.memorySize) }.max()
            ?? 0
    }

    init?(memory: any ProcessMemory, base: UInt64) {
        guard memory.load(base, size: 4) == 0x464c_457f else { return nil }
        let head = memory.bytes(at: base, count: 4096)
        guard let header = ELFHeader(head), header.type != 4, header.programCount <= 512,
            header.programOffset <= 65536
        else { return nil }
        let table =
            Int(header.programOffset) + header.programCount * header.programSize <= head.count
            ? Array(head.dropFirst(Int(header.programOffset)))
            : memory.bytes(
                at: base &+ header.programOffset, count: header.programCount * header.programSize)
        let segments = header.segments(table: table)
        let first = segments.first { $0.type == ELFSegment.load }
        let bias = base &- (first.map { $0.address &- $0.offset } ?? 0)
        self.header = header
        self.segments = segments
        self.bias = bias
        buildID =
            segments.filter { $0.type == ELFSegment.note && $0.fileSize <= 65536 }.lazy.compactMap {
                let notes = memory.bytes(at: bias &+ $0.address, count: Int($0.fileSize))
                return ELFNote.buildID(in: notes, bigEndian: header.bigEndian)
            }.first
    }
}

extension UInt64 {
    /// Returns the sum, or `UInt64.max` on overflow.
    func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
