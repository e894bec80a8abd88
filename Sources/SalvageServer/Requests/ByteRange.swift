/// The part of a file that a `Range` header asks for (RFC 9110, section 14).
enum ByteRange: Equatable {
    /// All of it: there is no such header, it has another unit, or it names several ranges.
    case whole
    /// The bytes in this range, which is within the file and not empty.
    case part(Range<UInt64>)
    /// Nothing of it is in the file.
    case unsatisfiable

    /// Reads a header for a file of `size` bytes.
    init(_ header: String?, size: UInt64) {
        guard let header, header.hasPrefix("bytes=") else {
            self = .whole
            return
        }
        let text = header.dropFirst(6)
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        // Several ranges are answered with the whole, which every client must accept.
        guard !text.contains(","), parts.count == 2 else {
            self = .whole
            return
        }
        let (first, last) = (Self.number(parts[0]), Self.number(parts[1]))
        switch (parts[0].isEmpty, parts[1].isEmpty) {
        case (false, false):
            guard let first, let last, first <= last else {
                self = .whole
                return
            }
            self = first < size ? .part(first..<(last < size ? last + 1 : size)) : .unsatisfiable
        case (false, true):
            guard let first else {
                self = .whole
                return
            }
            self = first < size ? .part(first..<size) : .unsatisfiable
        case (true, false):
            guard let last else {
                self = .whole
                return
            }
            self = last > 0 && size > 0 ? .part((last < size ? size - last : 0)..<size) : .unsatisfiable
        case (true, true): self = .whole
        }
    }

    /// Digits; more than fit mean the end.
    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(text) ?? .max
    }
}
