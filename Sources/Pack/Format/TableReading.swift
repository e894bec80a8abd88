import Bytes

extension ByteReader {
    /// Reads the next field of a table.
    mutating func take<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type = T.self) throws(PackError) -> T {
        guard let value = integer(T.self) else { throw Self.short }
        return value
    }

    /// Reads the next `count` bytes of a table.
    mutating func take(bytes count: Int) throws(PackError) -> UnsafeRawBufferPointer {
        guard let run = run(count) else { throw Self.short }
        return run
    }

    private static var short: PackError { PackError(.damagedSection, "a table ends in the middle of a row") }
}
