import Model

/// Functions of a module by address, from an ELF symbol table; names are read on demand.
final class SymbolTable {
    private struct Entry {
        var start: UInt64
        var size: UInt64
        var name: UInt32
        var section: UInt16
        var binding: UInt8
    }

    private static let symbolLimit = 8 << 20

    private let entries: [Entry]
    private let name: (UInt32) -> String?
    /// Returns the end address of a section; nil for a table in memory, where sections are unknown.
    private let end: (UInt16) -> UInt64?

    var isEmpty: Bool { entries.isEmpty }

    /// Reads the best table of a file: `.symtab`, else `.dynsym`.
    convenience init?(_ file: SymbolFile) {
        guard let table = file.section(".symtab") ?? file.section(".dynsym"), table.link < file.sections.count else {
            return nil
        }
        let strings = file.sections[table.link]
        let bytes = file.source.bytes(
            at: table.offset, count: Int(min(table.size, UInt64(Self.symbolLimit * (file.is64 ? 24 : 16)))))
        let ends = file.sections.map { $0.address.addingClamped($0.size) }
        self.init(
            bytes: bytes, is64: file.is64, bigEndian: file.header.bigEndian,
            end: { Int($0) < ends.count ? ends[Int($0)] : nil },
            name: { at in
                guard UInt64(at) < strings.size else { return nil }
                let text = file.source.bytes(at: strings.offset.addingClamped(UInt64(at)), count: 4096)
                return ByteView(bytes: text).cString(0, limit: 4096)
            })
    }

    /// Reads the `.dynsym` of a module in memory, found through PT_DYNAMIC.
    convenience init?(memory: any ProcessMemory, module: MappedModule, is64: Bool) {
        guard let dynamic = module.segments.first(where: { $0.type == ELFSegment.dynamic }) else { return nil }
        let view = ByteView(bytes: memory.bytes(at: module.bias &+ dynamic.address, count: 8192))
        let width = is64 ? 8 : 4
        var tags: [UInt64: UInt64] = [:]
        for at in stride(from: 0, to: view.count, by: width * 2) {
            guard let tag = view.word(at, is64: is64), let value = view.word(at + width, is64: is64), tag != 0 else {
                break
            }
            tags[tag] = value
        }
        // glibc's loader has turned these into addresses; others leave them as in the file.
        func address(_ tag: UInt64) -> UInt64? {
            tags[tag].map { $0 >= module.record.base.value ? $0 : module.bias &+ $0 }
        }
        guard let symbols = address(6), let strings = address(5), let length = tags[10], length < 1 << 30 else {
            return nil
        }
        let count =
            Self.hashedCount(memory, address(0x6fff_fef5)) ?? address(4).flatMap { memory.load($0 &+ 4, size: 4) }
            ?? (strings > symbols ? (strings - symbols) / (is64 ? 24 : 16) : 0)
        guard count > 0, count < UInt64(Self.symbolLimit) else { return nil }
        let bytes = memory.bytes(at: symbols, count: Int(count) * (is64 ? 24 : 16))
        self.init(
            bytes: bytes, is64: is64, bigEndian: false, end: { _ in nil },
            name: { at in
                guard UInt64(at) < length else { return nil }
                return ByteView(bytes: memory.bytes(at: strings &+ UInt64(at), count: 1024)).cString(0, limit: 1024)
            })
        if isEmpty { return nil }
    }

    /// Returns the number of symbols that a GNU hash table covers, from the largest index of a bucket.
    private static func hashedCount(_ memory: any ProcessMemory, _ address: UInt64?) -> UInt64? {
        guard let address, let buckets = memory.load(address, size: 4), let first = memory.load(address &+ 4, size: 4),
            let bloom = memory.load(address &+ 8, size: 4), buckets < 1 << 20, bloom < 1 << 20
        else { return nil }
        let start = address &+ 16 &+ bloom &* 8
        var largest: UInt64 = 0
        for index in 0..<buckets { largest = max(largest, memory.load(start &+ index &* 4, size: 4) ?? 0) }
        guard largest >= first else { return first }
        let chain = start &+ buckets &* 4
        for step in 0..<UInt64(1 << 16) {
            guard let value = memory.load(chain &+ (largest &- first &+ step) &* 4, size: 4) else { return nil }
            if value & 1 == 1 { return largest + step + 1 }
        }
        return nil
    }

    private init(
        bytes: [UInt8], is64: Bool, bigEndian: Bool, end: @escaping (UInt16) -> UInt64?,
        name: @escaping (UInt32) -> String?
    ) {
        let view = ByteView(bytes: bytes, bigEndian: bigEndian)
        let width = is64 ? 24 : 16
        var entries: [Entry] = []
        entries.reserveCapacity(bytes.count / width)
        for at in stride(from: 0, to: bytes.count, by: width) {
            guard let info = view.u8(at + (is64 ? 4 : 12)), info & 15 == 2 || info & 15 == 10,
                let section = view.u16(at + (is64 ? 6 : 14)), section != 0, let name = view.u32(at),
                let value = view.word(at + (is64 ? 8 : 4), is64: is64),
                let size = view.word(at + (is64 ? 16 : 8), is64: is64)
            else { continue }
            entries.append(Entry(start: value, size: size, name: name, section: section, binding: info >> 4))
        }
        self.entries = entries.sorted { ($0.start, $0.size) < ($1.start, $1.size) }
        self.name = name
        self.end = end
    }

    /// The most symbols to look back from an address for the function around it.
    private static let looksBack = 32

    /// Returns the raw name and start of the function around an address of the file. A symbol without a size, as
    /// assemblers write them, extends to the next symbol or the end of its section; it is used only when no sized
    /// symbol covers the address and `isInside` accepts its start.
    func function(
        at address: UInt64, isInside: (UInt64) -> Bool = { _ in true }
    ) -> (name: String, start: UInt64)? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        // Aliases share an address, and a short function may lie within a long one.
        var best: (rank: Int, name: String, start: UInt64)?
        var label: (rank: Int, name: String, start: UInt64)?
        let nearest = entries[low - 1].start
        for at in stride(from: low - 1, through: max(0, low - Self.looksBack), by: -1) {
            let entry = entries[at]
            if let best, entry.start < best.start { break }
            let isLabel = entry.size == 0
            guard isLabel ? entry.start == nearest && reaches(entry, address) : address - entry.start < entry.size,
                let name = name(entry.name), !name.isEmpty
            else { continue }
            let found = (rank: Self.rank(entry, name), name: name, start: entry.start)
            if isLabel {
                if found.rank < label?.rank ?? .max { label = found }
            } else if found.rank < best?.rank ?? .max {
                best = found
            }
        }
        if best == nil, let label, label.start == address || isInside(label.start) { best = label }
        return best.map { (Self.withoutVersion($0.name), $0.start) }
    }

    private func reaches(_ label: Entry, _ address: UInt64) -> Bool {
        address == label.start || end(label.section).map { address < $0 } ?? false
    }

    /// Ranks the names of one address, best lowest: global ones and those without underscores first.
    private static func rank(_ entry: Entry, _ name: String) -> Int {
        let underscores = name.hasPrefix("_Z") ? 0 : name.prefix { $0 == "_" }.count
        return (entry.binding == 1 ? 0 : entry.binding == 2 ? 1 : 2) * 100 + underscores * 40 + min(name.count, 39)
    }

    private static func withoutVersion(_ name: String) -> String { name.before("@") ?? name }
}
