/// Reads the bytes of a module by the addresses in its file, from a stored file or a core.
protocol ModuleImage: AnyObject {
    var segments: [ELFSegment] { get }
    var is64: Bool { get }
    /// Returns at most `count` bytes at an address of the file; fewer where it has no more.
    func bytes(atVirtual address: UInt64, count: Int) -> [UInt8]
}

/// A module inside the memory of a process.
final class MemoryImage: ModuleImage {
    let segments: [ELFSegment]
    let is64: Bool
    private let memory: any ProcessMemory
    private let bias: UInt64

    init(memory: any ProcessMemory, module: MappedModule, is64: Bool) {
        self.memory = memory
        bias = module.bias
        segments = module.segments
        self.is64 = is64
    }

    func bytes(atVirtual address: UInt64, count: Int) -> [UInt8] { memory.bytes(at: bias &+ address, count: count) }
}

/// A common information entry (DWARF 5 section 6.4.1, LSB `.eh_frame`).
struct CFICommon {
    var codeAlign: UInt64
    var dataAlign: Int64
    var returnRegister: Int
    var encoding: UInt8
    var augmented: Bool
    var signalFrame: Bool
    var program: [UInt8]
}

/// The entry that covers one function.
struct CFIEntry {
    var common: CFICommon
    var start: UInt64
    var length: UInt64
    var program: [UInt8]
}

/// Finds the entry for an address by the sorted table of `.eh_frame_hdr`, or by an index of `.debug_frame` or of an
/// `.eh_frame` without that table: linkers omit it from static programs.
final class CFITable {
    private static let longestEntry = 1 << 16
    private static let entryLimit = 1 << 20

    private struct Header {
        var address: UInt64
        var table: UInt64
        var count: UInt64
    }

    private let image: any ModuleImage
    private let wordSize: Int
    private var header: Header?
    private var commons: [UInt64: CFICommon?] = [:]
    private var index: [(start: UInt64, end: UInt64, at: Int)] = []
    private var debugFrame = ByteView(bytes: [])
    private var plainIndex: [(start: UInt64, end: UInt64, at: UInt64)] = []

    /// Uses the image's PT_GNU_EH_FRAME; `debugFrame`, the bytes of `.debug_frame`, if any; and without a sorted table
    /// `frames`, the bytes of `.eh_frame` and their address.
    init(image: any ModuleImage, debugFrame: [UInt8] = [], frames: () -> (bytes: [UInt8], address: UInt64)? = { nil }) {
        self.image = image
        wordSize = image.is64 ? 8 : 4
        header = readHeader()
        if !debugFrame.isEmpty {
            self.debugFrame = ByteView(bytes: debugFrame)
            buildIndex()
        }
        if header == nil, let frames = frames() { indexFrames(ByteView(bytes: frames.bytes), at: frames.address) }
    }

    /// False when the module has no readable call frame information.
    var isUsable: Bool { header != nil || !index.isEmpty || !plainIndex.isEmpty }

    /// Returns the entry around an address of the file.
    func entry(for address: UInt64) -> CFIEntry? {
        if let found = headerEntry(address) { return found }
        if let at = Self.find(address, in: plainIndex) { return frameEntry(at: at) }
        return Self.find(address, in: index).flatMap { debugEntry(at: $0) }
    }

    private static func find<Place>(_ address: UInt64, in index: [(start: UInt64, end: UInt64, at: Place)]) -> Place? {
        var low = 0
        var high = index.count
        while low < high {
            let middle = (low + high) / 2
            if index[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, address < index[low - 1].end else { return nil }
        return index[low - 1].at
    }

    private func readHeader() -> Header? {
        guard let segment = image.segments.first(where: { $0.type == ELFSegment.ehFrame }) else { return nil }
        let bytes = image.bytes(atVirtual: segment.address, count: 24)
        var cursor = DwarfCursor(ByteView(bytes: bytes))
        guard cursor.byte() == 1, let frame = cursor.byte(), let count = cursor.byte(), let table = cursor.byte(),
            // Every linker writes pairs of four-byte offsets from the header; no other encoding can be searched.
            table == 0x3b,
            cursor.pointer(frame, base: segment.address, data: segment.address, wordSize: wordSize) != nil,
            let entries = cursor.pointer(count, base: segment.address, data: segment.address, wordSize: wordSize)
        else { return nil }
        return Header(
            address: segment.address, table: segment.address &+ UInt64(cursor.at), count: min(entries, 1 << 24))
    }

    private func headerEntry(_ address: UInt64) -> CFIEntry? {
        guard let header, header.count > 0 else { return nil }
        func pair(_ index: UInt64) -> (start: UInt64, entry: UInt64)? {
            let view = ByteView(bytes: image.bytes(atVirtual: header.table &+ index &* 8, count: 8))
            guard let start = view.u32(0), let entry = view.u32(4) else { return nil }
            func absolute(_ raw: UInt32) -> UInt64 {
                header.address &+ UInt64(bitPattern: Int64(Int32(bitPattern: raw)))
            }
            return (absolute(start), absolute(entry))
        }
        var low: UInt64 = 0
        var high = header.count
        while low < high {
            let middle = (low + high) / 2
            guard let found = pair(middle) else { return nil }
            if found.start <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, let found = pair(low - 1), let entry = frameEntry(at: found.entry) else { return nil }
        return address >= entry.start && address - entry.start < entry.length ? entry : nil
    }

    /// Reads the FDE of `.eh_frame` at an address of the file.
    private func frameEntry(at address: UInt64) -> CFIEntry? {
        guard let body = record(at: address) else { return nil }
        var cursor = DwarfCursor(ByteView(bytes: body.bytes))
        let base = address &+ UInt64(body.skip)
        guard let back = cursor.unsigned(4), back != 0, let common = common(at: base &- back),
            let start = cursor.pointer(common.encoding, base: base, data: 0, wordSize: wordSize),
            let length = cursor.pointer(common.encoding & 0x0f, base: 0, data: 0, wordSize: wordSize)
        else { return nil }
        if common.augmented {
            guard let size = cursor.uleb(), cursor.block(size) != nil else { return nil }
        }
        return CFIEntry(
            common: common, start: start, length: length,
            program: Array(body.bytes[min(cursor.at, body.bytes.count)...])
        )
    }

    /// Returns the bytes after the length field, and the size of that field in bytes.
    private func record(at address: UInt64) -> (bytes: [UInt8], skip: Int)? {
        let head = ByteView(bytes: image.bytes(atVirtual: address, count: 12))
        guard let short = head.u32(0), short != 0 else { return nil }
        var length = UInt64(short)
        var skip = 4
        if short == 0xffff_ffff {
            guard let long = head.u64(4) else { return nil }
            length = long
            skip = 12
        }
        guard length <= UInt64(Self.longestEntry) else { return nil }
        let bytes = image.bytes(atVirtual: address &+ UInt64(skip), count: Int(length))
        return bytes.count == Int(length) ? (bytes, skip) : nil
    }

    private func common(at address: UInt64) -> CFICommon? {
        if let known = commons[address] { return known }
        var parsed: CFICommon?
        if let body = record(at: address) {
            var cursor = DwarfCursor(ByteView(bytes: body.bytes))
            if cursor.unsigned(4) == 0 { parsed = Self.parseCommon(&cursor, wordSize: wordSize) }
        }
        if commons.count < 4096 { commons[address] = .some(parsed) }
        return parsed
    }

    /// Parses the part of a CIE after its identifier.
    private static func parseCommon(_ cursor: inout DwarfCursor, wordSize: Int) -> CFICommon? {
        guard let version = cursor.byte(), [1, 3, 4].contains(version), let augmentation = cursor.text() else {
            return nil
        }
        if version == 4 {
            guard cursor.unsigned(2) != nil else { return nil }
        }
        guard let codeAlign = cursor.uleb(), let dataAlign = cursor.sleb(),
            let register = version == 1 ? cursor.byte().map(UInt64.init) : cursor.uleb(), register < 1024
        else { return nil }
        var common = CFICommon(
            codeAlign: codeAlign, dataAlign: dataAlign, returnRegister: Int(register), encoding: 0, augmented: false,
            signalFrame: false, program: [])
        if augmentation.hasPrefix("z") {
            guard let size = cursor.uleb(), size <= UInt64(cursor.end - cursor.at) else { return nil }
            let after = cursor.at + Int(size)
            common.augmented = true
            for letter in augmentation.dropFirst() {
                switch letter {
                case "R": common.encoding = cursor.byte() ?? 0
                case "L": _ = cursor.byte()
                case "P":
                    guard let encoding = cursor.byte(),
                        cursor.pointer(encoding & 0x7f, base: 0, data: 0, wordSize: wordSize) != nil
                    else { return nil }
                case "S": common.signalFrame = true
                default: break
                }
            }
            cursor.at = after
        } else if !augmentation.isEmpty {
            return nil
        }
        common.program = Array(cursor.view.bytes[min(cursor.at, cursor.end)..<cursor.end])
        return common
    }

    /// Indexes the entries of an `.eh_frame` by function.
    private func indexFrames(_ view: ByteView, at base: UInt64) {
        var at = 0
        while let short = view.u32(at), plainIndex.count < Self.entryLimit {
            // An empty record ends the entries of one object file, not always the section.
            guard short != 0 else {
                at += 4
                continue
            }
            var skip = 4
            var length = UInt64(short)
            if short == 0xffff_ffff {
                guard let long = view.u64(at + 4) else { break }
                length = long
                skip = 12
            }
            guard length <= UInt64(view.count - at), view.count - at - skip >= Int(length) else { break }
            let body = at + skip
            let address = base &+ UInt64(body)
            if let back = view.u32(body), back != 0, let common = common(at: address &- UInt64(back)) {
                var cursor = DwarfCursor(view, from: body + 4, to: body + Int(length))
                if let start = cursor.pointer(
                    common.encoding, base: base, data: 0, wordSize: wordSize),
                    let size = cursor.pointer(common.encoding & 0x0f, base: 0, data: 0, wordSize: wordSize), size > 0
                {
                    plainIndex.append((start, start.addingClamped(size), base &+ UInt64(at)))
                }
            }
            at = body + Int(length)
        }
        plainIndex.sort { $0.start < $1.start }
    }

    /// Indexes the entries of `.debug_frame` by start address.
    private func buildIndex() {
        var at = 0
        while let length = debugFrame.u32(at), length > 4, length < 0xffff_fff0, index.count < Self.entryLimit {
            let next = at + 4 + Int(length)
            guard next <= debugFrame.count else { break }
            if debugFrame.u32(at + 4) != 0xffff_ffff, let start = debugFrame.word(at + 8, is64: wordSize == 8),
                let size = debugFrame.word(at + 8 + wordSize, is64: wordSize == 8), size > 0
            {
                index.append((start, start.addingClamped(size), at))
            }
            at = next
        }
        index.sort { $0.start < $1.start }
    }

    private func debugEntry(at: Int) -> CFIEntry? {
        guard let length = debugFrame.u32(at), let offset = debugFrame.u32(at + 4),
            let start = debugFrame.word(at + 8, is64: wordSize == 8),
            let size = debugFrame.word(at + 8 + wordSize, is64: wordSize == 8), let common = debugCommon(Int(offset))
        else { return nil }
        var cursor = DwarfCursor(debugFrame, from: at + 8 + wordSize * 2, to: at + 4 + Int(length))
        if common.augmented {
            guard let skip = cursor.uleb(), cursor.block(skip) != nil else { return nil }
        }
        guard cursor.at <= cursor.end else { return nil }
        return CFIEntry(
            common: common, start: start, length: size, program: Array(debugFrame.bytes[cursor.at..<cursor.end]))
    }

    private func debugCommon(_ at: Int) -> CFICommon? {
        guard let length = debugFrame.u32(at), debugFrame.u32(at + 4) == 0xffff_ffff, length < 65536 else { return nil }
        var cursor = DwarfCursor(debugFrame, from: at + 8, to: at + 4 + Int(length))
        return Self.parseCommon(&cursor, wordSize: wordSize)
    }
}
