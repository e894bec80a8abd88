/// Reads DWARF's number formats from bytes; every read past the end returns nil.
struct DwarfCursor {
    let view: ByteView
    var at: Int
    let end: Int

    init(_ view: ByteView, from at: Int = 0, to end: Int? = nil) {
        self.view = view
        self.at = at
        self.end = min(end ?? view.count, view.count)
    }

    var isAtEnd: Bool { at >= end }

    mutating func byte() -> UInt8? {
        guard at < end, let value = view.u8(at) else { return nil }
        at += 1
        return value
    }

    mutating func unsigned(_ size: Int) -> UInt64? {
        guard size <= end - at else { return nil }
        let value: UInt64?
        switch size {
        case 1: value = view.u8(at).map(UInt64.init)
        case 2: value = view.u16(at).map(UInt64.init)
        case 4: value = view.u32(at).map(UInt64.init)
        case 8: value = view.u64(at)
        default: value = nil
        }
        if value != nil { at += size }
        return value
    }

    mutating func signed(_ size: Int) -> Int64? {
        guard let raw = unsigned(size) else { return nil }
        let shift = UInt64(64 - size * 8)
        return Int64(bitPattern: raw << shift) >> Int64(shift)
    }

    mutating func uleb() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let next = byte() {
            if shift < 64 { value |= UInt64(next & 0x7f) << shift }
            shift += 7
            if next & 0x80 == 0 { return value }
            if shift > 140 { return nil }
        }
        return nil
    }

    mutating func sleb() -> Int64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let next = byte() {
            if shift < 64 { value |= UInt64(next & 0x7f) << shift }
            shift += 7
            if next & 0x80 == 0 {
                if shift < 64, next & 0x40 != 0 { value |= UInt64.max << shift }
                return Int64(bitPattern: value)
            }
            if shift > 140 { return nil }
        }
        return nil
    }

    mutating func block(_ length: UInt64) -> [UInt8]? {
        guard length <= UInt64(max(0, end - at)) else { return nil }
        let bytes = Array(view.bytes[at..<at + Int(length)])
        at += Int(length)
        return bytes
    }

    mutating func text() -> String? {
        guard at < end, let stop = view.bytes[at..<end].firstIndex(of: 0) else { return nil }
        let value = String(decoding: view.bytes[at..<stop], as: UTF8.self)
        at = stop + 1
        return value
    }

    /// Reads a pointer in one of the DW_EH_PE encodings (Linux Standard Base, "DWARF Extensions"); `base` is the
    /// address of the first byte of the view, `data` the base of data-relative values.
    mutating func pointer(_ encoding: UInt8, base: UInt64, data: UInt64, wordSize: Int) -> UInt64? {
        guard encoding != 0xff, encoding & 0x80 == 0 else { return nil }
        let here = base &+ UInt64(at)
        let raw: UInt64?
        switch encoding & 0x0f {
        case 0: raw = unsigned(wordSize)
        case 1: raw = uleb()
        case 2: raw = unsigned(2)
        case 3: raw = unsigned(4)
        case 4: raw = unsigned(8)
        case 9: raw = sleb().map { UInt64(bitPattern: $0) }
        case 10: raw = signed(2).map { UInt64(bitPattern: $0) }
        case 11: raw = signed(4).map { UInt64(bitPattern: $0) }
        case 12: raw = signed(8).map { UInt64(bitPattern: $0) }
        default: raw = nil
        }
        guard let raw else { return nil }
        let value: UInt64
        switch encoding & 0x70 {
        case 0: value = raw
        case 0x10: value = here &+ raw
        case 0x30: value = data &+ raw
        default: return nil
        }
        return wordSize == 4 ? value & 0xffff_ffff : value
    }
}
