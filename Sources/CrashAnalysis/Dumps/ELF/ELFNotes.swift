/// The contents of a core's notes (Linux `fs/binfmt_elf.c`, `include/uapi/linux/elf.h`; for the BSDs see
/// `BSDNotes.swift`).
struct CoreNotes {
    struct Thread {
        var id: Int
        var signal: Int
        /// Nil when the processor or the system's layout is not supported.
        var registers: Registers?
    }

    struct Mapping {
        var start: UInt64
        var end: UInt64
        var fileOffset: UInt64
        var path: String
    }

    var threads: [Thread] = []
    var pid: Int?
    var name: String?
    var arguments: String?
    var signal: Int?
    var code: Int?
    var address: UInt64?
    var auxiliary: [UInt64: UInt64] = [:]
    var mappings: [Mapping] = []
    var threadsCut = false
    /// The system that wrote the core; nil for an unsupported one.
    var system: CoreSystem?
    /// True when a debugger, not the kernel, wrote the core.
    var isOfDebugger = false
    var numbering: SignalNumbering

    static let threadLimit = 65_536
    static let mappingLimit = 1 << 18
    /// The most bytes of one note: no kernel writes a longer mapping table.
    static let longestNote: UInt64 = 64 << 20

    private enum Kind {
        static let status: UInt32 = 1
        static let process: UInt32 = 3
        static let auxiliary: UInt32 = 6
        static let signal: UInt32 = 0x5349_4749
        static let files: UInt32 = 0x4649_4c45
        static let all = [status, process, auxiliary, signal, files]
    }

    private static let longestOwner: UInt64 = 32

    let is64: Bool
    private let bigEndian: Bool
    private let arch: Architecture?
    private let machine: UInt16

    init(header: ELFHeader) {
        is64 = header.is64
        bigEndian = header.bigEndian
        arch = header.arch
        machine = header.machine
        system = header.coreSystem
        numbering = SignalNumbering(system: system, machine: header.machine)
    }

    /// Reads one PT_NOTE segment in windows of 16 KiB or more and skips register sets that are not used.
    mutating func read(_ source: any ByteSource, segment: ELFSegment) {
        var at: UInt64 = 0
        var window: [UInt8] = []
        var windowStart: UInt64 = 0
        func piece(_ from: UInt64, _ length: UInt64) -> ByteView? {
            guard length <= Self.longestNote, from <= segment.fileSize, length <= segment.fileSize - from else {
                return nil
            }
            if from < windowStart || from + length > windowStart + UInt64(window.count) {
                let (offset, overflow) = segment.offset.addingReportingOverflow(from)
                guard !overflow else { return nil }
                window = source.bytes(at: offset, count: Int(min(segment.fileSize - from, max(length, 16384))))
                windowStart = from
            }
            let skip = Int(from - windowStart)
            guard skip <= window.count, Int(length) <= window.count - skip else { return nil }
            return ByteView(bytes: Array(window[skip..<skip + Int(length)]), bigEndian: bigEndian)
        }
        while let head = piece(at, 12), let nameSize = head.u32(0), let size = head.u32(4), let type = head.u32(8) {
            let start = at + 12 + (UInt64(nameSize) + 3) / 4 * 4
            let name = UInt64(nameSize)
            if name <= Self.longestOwner, let owner = piece(at + 12, name)?.cString(0, limit: Int(name)) {
                if owner == "GDB" || owner == "LLDB" { isOfDebugger = true }
                let isOurs = owner == "CORE" && system == .linux && Kind.all.contains(type)
                if isOurs || isBSD(owner, type) {
                    guard let description = piece(start, UInt64(size)) else { return }
                    if isOurs { take(type, description) } else { takeBSD(owner, type, description) }
                }
            }
            at = start + (UInt64(size) + 3) / 4 * 4
        }
    }

    private mutating func take(_ type: UInt32, _ note: ByteView) {
        switch type {
        case Kind.status: takeStatus(note)
        case Kind.process: takeProcess(note)
        case Kind.auxiliary: takeAuxiliary(note)
        case Kind.signal: takeSignal(note)
        default: takeFiles(note)
        }
    }

    mutating func add(_ thread: Thread) {
        guard threads.count < Self.threadLimit else {
            threadsCut = true
            return
        }
        threads.append(thread)
    }

    private mutating func takeStatus(_ note: ByteView) {
        // The part before the registers is the same for every processor.
        guard let id = note.u32(is64 ? 32 : 24) else { return }
        var registers = arch.map { Registers($0) }
        let base = is64 ? 112 : 72
        let slots = arch.map { Self.slots($0) } ?? []
        for (number, slot) in slots.enumerated() {
            registers?[number] = note.word(base + slot * (is64 ? 8 : 4), is64: is64)
        }
        add(Thread(id: Int(id), signal: note.u16(12).map(Int.init) ?? 0, registers: registers))
    }

    /// Slots in the kernel's register block, by DWARF number.
    private static func slots(_ arch: Architecture) -> [Int] {
        switch arch {
        case .amd64: [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16]
        case .x86: [6, 1, 2, 0, 15, 5, 3, 4, 12]
        case .arm64: Array(0...32)
        case .arm: Array(0...15)
        }
    }

    private mutating func takeProcess(_ note: ByteView) {
        // On some 32-bit processors, the user ids before it take four bytes each instead of two.
        let wider = !is64 && note.count >= 128 ? 4 : 0
        pid = note.u32(is64 ? 24 : 12 + wider).map(Int.init)
        let name = is64 ? 40 : 28 + wider
        self.name = note.cString(name, limit: 16)
        arguments = note.cString(name + 16, limit: 80).map { text in
            var text = text
            while text.last == " " { text.removeLast() }
            return text
        }
    }

    private mutating func takeAuxiliary(_ note: ByteView) {
        let width = is64 ? 8 : 4
        for at in stride(from: 0, to: min(note.count, 4096), by: width * 2) {
            guard let key = note.word(at, is64: is64), let value = note.word(at + width, is64: is64), key != 0 else {
                return
            }
            auxiliary[key] = value
        }
    }

    private mutating func takeSignal(_ note: ByteView) {
        guard signal == nil, let number = note.u32(0), let code = note.u32(machine == ELFHeader.mips ? 4 : 8) else {
            return
        }
        signal = Int(number)
        self.code = Int(Int32(bitPattern: code))
        address = note.word(is64 ? 16 : 12, is64: is64)
    }

    private mutating func takeFiles(_ note: ByteView) {
        let width = is64 ? 8 : 4
        guard let count = note.word(0, is64: is64), let page = note.word(width, is64: is64),
            count <= UInt64(Self.mappingLimit), UInt64(note.count) >= count &* UInt64(3 * width)
        else { return }
        var nameAt = width * (2 + 3 * Int(count))
        for index in 0..<Int(count) {
            let at = width * (2 + 3 * index)
            guard let start = note.word(at, is64: is64), let end = note.word(at + width, is64: is64),
                let offset = note.word(at + 2 * width, is64: is64), nameAt < note.count
            else { return }
            let name = note.bytes[nameAt...].prefix { $0 != 0 }
            nameAt += name.count + 1
            guard end > start else { continue }
            mappings.append(
                Mapping(
                    start: start, end: end, fileOffset: offset.multipliedReportingOverflow(by: page).partialValue,
                    path: String(decoding: name, as: UTF8.self)))
        }
    }
}
