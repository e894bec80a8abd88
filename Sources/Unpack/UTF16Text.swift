/// The byte order of UTF-16 text, which Windows and Unreal tools write; ``Sniffer`` detects it.
public enum UTF16Order: String, Sendable, CaseIterable {
    /// The low byte of each unit comes first.
    case littleEndian = "utf-16le"
    /// The high byte of each unit comes first.
    case bigEndian = "utf-16be"
}

/// Converts UTF-16 that arrives in pieces to UTF-8; invalid units become U+FFFD.
public struct UTF16Transcoder {
    private let order: UTF16Order
    private var oddByte: UInt8?
    private var high: UInt16?
    private var isAtStart = true
    private var output: [UInt8] = []

    /// A transcoder at the beginning of a file, byte order mark included.
    public init(_ order: UTF16Order) {
        self.order = order
        output.reserveCapacity(96 << 10)
    }

    /// Converts the next bytes and passes the UTF-8 to `take`.
    ///
    /// - Throws: what `take` throws.
    public mutating func push<Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        for byte in bytes {
            guard let first = oddByte else {
                oddByte = byte
                continue
            }
            oddByte = nil
            unit(
                order == .littleEndian
                    ? UInt16(first) | UInt16(byte) << 8 : UInt16(first) << 8 | UInt16(byte))
            if output.count >= 64 << 10 { try hand(take) }
        }
        try hand(take)
    }

    /// Ends the file; half a character at the end becomes U+FFFD.
    ///
    /// - Throws: what `take` throws.
    public mutating func finish<Failure: Error>(
        _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        if high != nil || oddByte != nil { append(0xfffd) }
        high = nil
        oddByte = nil
        try hand(take)
    }

    private mutating func hand<Failure: Error>(
        _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard !output.isEmpty else { return }
        // Typed throws do not pass through the closure of withUnsafeBytes everywhere, hence the result.
        let outcome = output.withUnsafeBytes { bytes in Result { () throws(Failure) in try take(bytes) } }
        output.removeAll(keepingCapacity: true)
        try outcome.get()
    }

    private mutating func unit(_ unit: UInt16) {
        if isAtStart {
            isAtStart = false
            if unit == 0xfeff { return }
        }
        switch unit {
        case 0xd800...0xdbff:
            if high != nil { append(0xfffd) }
            high = unit
        case 0xdc00...0xdfff:
            guard let lead = high else { return append(0xfffd) }
            high = nil
            append(0x10000 + (UInt32(lead & 0x3ff) << 10 | UInt32(unit & 0x3ff)))
        default:
            if high != nil { append(0xfffd) }
            high = nil
            append(UInt32(unit))
        }
    }

    private mutating func append(_ scalar: UInt32) {
        switch scalar {
        case 0..<0x80: output.append(UInt8(scalar))
        case 0..<0x800:
            output.append(0xc0 | UInt8(scalar >> 6))
            output.append(0x80 | UInt8(scalar & 0x3f))
        case 0..<0x10000:
            output.append(0xe0 | UInt8(scalar >> 12))
            output.append(0x80 | UInt8(scalar >> 6 & 0x3f))
            output.append(0x80 | UInt8(scalar & 0x3f))
        default:
            output.append(0xf0 | UInt8(scalar >> 18 & 7))
            output.append(0x80 | UInt8(scalar >> 12 & 0x3f))
            output.append(0x80 | UInt8(scalar >> 6 & 0x3f))
            output.append(0x80 | UInt8(scalar & 0x3f))
        }
    }
}
