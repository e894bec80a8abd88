#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Text that is compared by its UTF-8 bytes.
///
/// Swift's `String` treats canonically equivalent texts as equal: "é" in one scalar equals "é" in two, also as a
/// dictionary key and in `hasPrefix`. Session ids, container paths, tags and labels are bytes that others chose, and two
/// of them may differ in nothing else.
@frozen public struct ByteText: Hashable, Comparable, Sendable {
    /// The text.
    public let text: String

    /// Wraps a text.
    @inlinable
    public init(_ text: String) { self.text = text }

    /// Whether both have the same UTF-8.
    @inlinable
    public static func == (left: ByteText, right: ByteText) -> Bool {
        left.text.utf8.count == right.text.utf8.count && left.compared(to: right) == 0
    }

    /// Orders texts by their UTF-8, as `memcmp` and SQLite's `BINARY` do.
    @inlinable
    public static func < (left: ByteText, right: ByteText) -> Bool {
        left.compared(to: right) < 0
    }

    /// Returns a number below, equal to or above 0 if the text sorts before, equal to or after another.
    @usableFromInline
    func compared(to other: ByteText) -> Int {
        let result: Int?? = text.utf8.withContiguousStorageIfAvailable { own in
            other.text.utf8.withContiguousStorageIfAvailable { others in
                let count = min(own.count, others.count)
                guard count > 0, let left = own.baseAddress, let right = others.baseAddress else {
                    return own.count - others.count
                }
                let order = Int(memcmp(left, right, count))
                return order != 0 ? order : own.count - others.count
            }
        }
        if let order = result.flatMap({ $0 }) { return order }
        if text.utf8.elementsEqual(other.text.utf8) { return 0 }
        return text.utf8.lexicographicallyPrecedes(other.text.utf8) ? -1 : 1
    }

    /// Hashes the UTF-8.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        let done: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if done == nil { for byte in text.utf8 { hasher.combine(byte) } }
        // UTF-8 never contains this byte, so that texts hashed one after the other do not run together.
        hasher.combine(0xFF as UInt8)
    }
}

extension StringProtocol {
    /// Whether both texts have the same UTF-8; `==` treats canonically equivalent texts as equal.
    @inlinable
    public func hasSameBytes(as other: some StringProtocol) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// Whether the text begins with these bytes; `hasPrefix` compares characters by canonical equivalence.
    @inlinable
    public func hasBytePrefix(_ prefix: some StringProtocol) -> Bool { utf8.starts(with: prefix.utf8) }

    /// Whether the text ends with these bytes.
    @inlinable
    public func hasByteSuffix(_ suffix: some StringProtocol) -> Bool {
        let length = suffix.utf8.count
        return utf8.count >= length && utf8.suffix(length).elementsEqual(suffix.utf8)
    }

    /// Whether the text sorts before another by their UTF-8.
    @inlinable
    public func precedesInBytes(_ other: some StringProtocol) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
