/// Hexadecimal digits.
public enum Hex {
    /// Returns the lower-case digit of a number from 0 to 15.
    @inlinable
    public static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x57 &+ value }

    /// Returns the upper-case digit of a number from 0 to 15.
    @inlinable
    public static func upperDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x37 &+ value }

    /// Returns the number of a digit in either case; nil for any other character.
    @inlinable
    public static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit &- 0x30
        case 0x41...0x46: digit &- 0x37
        case 0x61...0x66: digit &- 0x57
        default: nil
        }
    }

    /// Returns the byte that two digits stand for; nil when one is no digit.
    @inlinable
    public static func byte(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = value(high), let low = value(low) else { return nil }
        return high << 4 | low
    }

    /// Appends a byte as two lower-case digits.
    @inlinable
    public static func append(_ byte: UInt8, to text: inout [UInt8]) {
        text.append(digit(byte >> 4))
        text.append(digit(byte & 15))
    }

    /// Appends a byte as two upper-case digits.
    @inlinable
    public static func appendUpper(_ byte: UInt8, to text: inout [UInt8]) {
        text.append(upperDigit(byte >> 4))
        text.append(upperDigit(byte & 15))
    }

    /// Returns bytes as lower-case text, two digits each.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.underestimatedCount * 2)
        for byte in bytes { append(byte, to: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Returns an unsigned integer as lower-case text of its full width, with leading zeros.
    public static func padded<T: FixedWidthInteger & UnsignedInteger>(_ value: T) -> String {
        text(withUnsafeBytes(of: value.bigEndian) { Array($0) })
    }

    /// Decodes pairs of digits; nil for an odd number of digits or any other character.
    public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 2)
        var digits = text.utf8.makeIterator()
        while let high = digits.next() {
            guard let low = digits.next(), let byte = byte(high, low) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
