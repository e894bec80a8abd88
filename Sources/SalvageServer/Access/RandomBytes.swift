import Bytes

/// Bytes that nobody can guess.
enum RandomBytes {
    /// Returns that many bytes of the system's generator.
    static func make(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Returns that many bytes as hexadecimal digits.
    static func hex(_ count: Int) -> String { Hex.text(make(count)) }
}
