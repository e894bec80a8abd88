/// A value that is sent with a statement.
enum PostgresValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text([UInt8])
    case bytes([UInt8])

    /// The types' numbers in the table `pg_type`, which never change.
    enum TypeNumber {
        static let boolean: UInt32 = 16
        static let bytes: UInt32 = 17
        static let integer64: UInt32 = 20
        static let integer16: UInt32 = 21
        static let integer32: UInt32 = 23
        static let text: UInt32 = 25
        static let number: UInt32 = 26
        static let float32: UInt32 = 700
        static let float64: UInt32 = 701
        static let numeric: UInt32 = 1700
        static let uuid: UInt32 = 2950
        static let jsonb: UInt32 = 3802
    }

    /// The type to send it as; 0 lets the server decide.
    var type: UInt32 {
        switch self {
        case .null: 0
        case .integer: TypeNumber.integer64
        case .text: TypeNumber.text
        case .bytes: TypeNumber.bytes
        }
    }
}

/// Values in the server's binary format.
///
/// Source: the functions `…recv` and `…send` of PostgreSQL's `src/backend/utils/adt`.
enum PostgresBinary {
    /// Signed numbers of 1, 2, 4 or 8 bytes, most significant byte first.
    static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        guard let first = bytes.first else { return 0 }
        var value = Int64(Int8(bitPattern: first))
        for byte in bytes.dropFirst().prefix(7) { value = value << 8 | Int64(byte) }
        return value
    }

    /// A floating-point number of 4 or 8 bytes.
    static func float(_ bytes: UnsafeRawBufferPointer) -> Double {
        bytes.count == 4
            ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: integer(bytes))))
            : Double(bitPattern: UInt64(bitPattern: integer(bytes)))
    }

    /// Truncates to 64 bits.
    static func clamped(_ value: Double) -> Int64 {
        Int64(exactly: value.rounded(.towardZero)) ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
    }

    /// A decimal number, truncated and clamped: digits of base 10,000 after their count, the first one's weight, a sign and a
    /// scale.
    static func numeric(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        func word(_ index: Int) -> Int64 {
            guard index * 2 + 1 < bytes.count else { return 0 }
            return Int64(bytes[index * 2]) << 8 | Int64(bytes[index * 2 + 1])
        }
        let weight = Int(Int16(truncatingIfNeeded: word(1)))
        let isNegative = word(2) == 0x4000
        guard weight >= 0 else { return 0 }
        var value: Int64 = 0
        for index in 0...weight {
            let (product, over) = value.multipliedReportingOverflow(by: 10_000)
            let digit = index < Int(word(0)) ? word(4 + index) : 0
            let (sum, beyond) =
                isNegative
                ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !over, !beyond else { return isNegative ? .min : .max }
            value = sum
        }
        return value
    }

    /// A uuid as people write it.
    static func uuid(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }
}
