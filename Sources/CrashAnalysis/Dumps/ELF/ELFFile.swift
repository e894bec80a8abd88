import Bytes

/// A program header (System V gABI, "Program Header").
struct ELFSegment: Sendable {
    var type: UInt32
    var flags: UInt32
    var offset: UInt64
    var address: UInt64
    var fileSize: UInt64
    var memorySize: UInt64

    static let load: UInt32 = 1
    static let dynamic: UInt32 = 2
    static let note: UInt32 = 4
    static let ehFrame: UInt32 = 0x6474_e550
}

/// The file header and program headers of an ELF file or of an ELF image in memory.
struct ELFHeader: Sendable {
    var is64: Bool
    var bigEndian: Bool
    /// The system whose rules the file follows (EI_OSABI).
    var systemABI: UInt8
    var type: UInt16
    var machine: UInt16
    var entry: UInt64
    var programOffset: UInt64
    var programSize: Int
    var programCount: Int
    var sectionOffset: UInt64
    var sectionSize: Int
    var sectionCount: Int
    var sectionNames: Int

    /// More program headers than any real core has; the count field itself allows four billion.
    static let programLimit = 1 << 20

    /// The architecture; nil for an unsupported processor, and for modes with other registers, such as x32.
    var arch: Architecture? {
        switch (machine, is64) {
        case (62, true): .amd64
        case (183, true): .arm64
        case (3, false): .x86
        case (40, false): .arm
        default: nil
        }
    }

    static let mips: UInt16 = 8

    /// The processor's name, even if it is unsupported; nil for an unknown number.
    var machineName: String? {
        if let arch { return arch.rawValue }
        switch machine {
        case 2, 18: return "sparc"
        case 43: return "sparc64"
        case 4: return "m68k"
        case Self.mips: return is64 ? "mips64" : "mips"
        case 15: return "parisc"
        case 20: return "ppc"
        case 21: return "ppc64"
        case 22: return is64 ? "s390x" : "s390"
        case 42: return "sh"
        case 50: return "ia64"
        case 62: return "x32"
        case 183: return "arm64_32"
        case 243: return is64 ? "riscv64" : "riscv32"
        case 258: return is64 ? "loong64" : "loong32"
        case 0x9026: return "alpha"
        default: return nil
        }
    }

    /// The system that wrote a core with this header; the notes of BSD cores are more precise.
    var coreSystem: CoreSystem? {
        switch systemABI {
        // Linux writes "System V", GNU or, on 32-bit ARM, ELFOSABI_ARM.
        case 0, 3, 97: .linux
        case 2: .netbsd
        case 9: .freebsd
        case 12: .openbsd
        default: nil
        }
    }

    /// Reads the header from the first 64 bytes; nil when they are not an ELF header.
    init?(_ head: [UInt8]) {
        guard head.count >= 52, head[0] == 0x7f, head[1] == 0x45, head[2] == 0x4c, head[3] == 0x46,
            head[4] == 1 || head[4] == 2, head[5] == 1 || head[5] == 2
        else { return nil }
        is64 = head[4] == 2
        bigEndian = head[5] == 2
        systemABI = head[7]
        let view = ByteView(bytes: head, bigEndian: bigEndian)
        let tail = is64 ? 54 : 42
        guard let type = view.u16(16), let machine = view.u16(18), let entry = view.word(24, is64: is64),
            let programs = view.word(is64 ? 32 : 28, is64: is64),
            let sections = view.word(is64 ? 40 : 32, is64: is64),
            let programSize = view.u16(tail), let programCount = view.u16(tail + 2),
            let sectionSize = view.u16(tail + 4), let sectionCount = view.u16(tail + 6), let names = view.u16(tail + 8)
        else { return nil }
        self.type = type
        self.machine = machine
        self.entry = entry
        programOffset = programs
        self.programSize = Int(programSize)
        self.programCount = Int(programCount)
        sectionOffset = sections
        self.sectionSize = Int(sectionSize)
        self.sectionCount = Int(sectionCount)
        sectionNames = Int(names)
    }

    /// Reads program headers from the bytes of their table; stops where the bytes end.
    func segments(table: [UInt8]) -> [ELFSegment] {
        guard programSize >= (is64 ? 56 : 32) else { return [] }
        let view = ByteView(bytes: table, bigEndian: bigEndian)
        var result: [ELFSegment] = []
        result.reserveCapacity(min(programCount, table.count / programSize))
        for at in stride(from: 0, to: table.count, by: programSize) {
            guard result.count < programCount, let segment = segment(view, at) else { break }
            result.append(segment)
        }
        return result
    }

    private func segment(_ view: ByteView, _ at: Int) -> ELFSegment? {
        let fields = is64 ? [8, 16, 32, 40, 4] : [4, 8, 16, 20, 24]
        guard let type = view.u32(at), let offset = view.word(at + fields[0], is64: is64),
            let address = view.word(at + fields[1], is64: is64), let file = view.word(at + fields[2], is64: is64),
            let memory = view.word(at + fields[3], is64: is64), let flags = view.u32(at + fields[4])
        else { return nil }
        return ELFSegment(
            type: type, flags: flags, offset: offset, address: address, fileSize: file, memorySize: memory)
    }
}

/// A note (gABI "Note Section"): owner, type, and the position of its description in the searched bytes.
struct ELFNote {
    var owner: String
    var type: UInt32
    var start: Int
    var length: Int

    static let gnuBuildID: UInt32 = 3

    /// Returns the notes in `bytes`; an incomplete last one is left out.
    static func all(in bytes: [UInt8], bigEndian: Bool, align: Int = 4) -> [ELFNote] {
        let view = ByteView(bytes: bytes, bigEndian: bigEndian)
        var notes: [ELFNote] = []
        var at = 0
        while let nameSize = view.u32(at), let size = view.u32(at + 4), let type = view.u32(at + 8) {
            let nameLength = Int(nameSize)
            let start = at + 12 + (nameLength + align - 1) / align * align
            guard nameLength <= 64, start <= bytes.count, Int(size) <= bytes.count - start,
                let owner = view.cString(at + 12, limit: nameLength)
            else { break }
            notes.append(ELFNote(owner: owner, type: type, start: start, length: Int(size)))
            at = start + (Int(size) + align - 1) / align * align
        }
        return notes
    }

    /// Returns the GNU build id among the notes, in lower-case hexadecimal.
    static func buildID(in bytes: [UInt8], bigEndian: Bool) -> String? {
        for note in all(in: bytes, bigEndian: bigEndian) where note.owner == "GNU" && note.type == gnuBuildID {
            guard note.length >= 2, note.length <= 64 else { continue }
            return Hex.text(bytes[note.start..<note.start + note.length])
        }
        return nil
    }
}
