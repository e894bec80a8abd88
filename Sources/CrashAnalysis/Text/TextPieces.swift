import Glibc

/// Finds the first or last occurrence of bytes in bytes.
struct TextOccurrences {
    let text: UnsafeBufferPointer<UInt8>
    let needle: UnsafeBufferPointer<UInt8>

    var first: Int? {
        guard let base = text.baseAddress, let wanted = needle.baseAddress, needle.count > 0 else { return nil }
        var at = 0
        while at + needle.count <= text.count,
            let found = memchr(base + at, Int32(wanted[0]), text.count - needle.count - at + 1)
        {
            let place = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            if memcmp(found, wanted, needle.count) == 0 { return place }
            at = place + 1
        }
        return nil
    }

    var last: Int? {
        guard needle.count > 0, text.count >= needle.count, let base = text.baseAddress,
            let wanted = needle.baseAddress
        else { return nil }
        var at = text.count - needle.count
        while at >= 0 {
            if base[at] == wanted[0], memcmp(base + at, wanted, needle.count) == 0 { return at }
            at -= 1
        }
        return nil
    }
}

/// Text operations that every parser needs.
extension StringProtocol {
    /// Without white space and control characters at both ends.
    var trimmed: String {
        let part = Substring(self)
        let bytes = part.utf8
        guard let first = bytes.firstIndex(where: { $0 > 0x20 && $0 != 0x7f }),
            let last = bytes.lastIndex(where: { $0 > 0x20 && $0 != 0x7f })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    /// Where `needle` first occurs, as a UTF-8 range.
    func find(_ needle: String) -> Range<String.Index>? { occurrence(of: needle) { $0.first } }

    /// Where `needle` last occurs.
    func findLast(_ needle: String) -> Range<String.Index>? { occurrence(of: needle) { $0.last } }

    private func occurrence(
        of needle: String, _ choose: (_ bytes: TextOccurrences) -> Int?
    ) -> Range<String.Index>? {
        var text = Substring(self)
        var wanted = needle
        let at = text.withUTF8 { text in wanted.withUTF8 { choose(TextOccurrences(text: text, needle: $0)) } }
        guard let at else { return nil }
        let start = utf8.index(utf8.startIndex, offsetBy: at)
        return start..<utf8.index(start, offsetBy: needle.utf8.count)
    }

    /// The text after the first `needle`; nil when it is absent.
    func after(_ needle: String) -> String? { find(needle).map { String(self[$0.upperBound...]) } }

    /// The text before the first `needle`; nil when it is absent.
    func before(_ needle: String) -> String? { find(needle).map { String(self[..<$0.lowerBound]) } }

    /// The text between `open` and the next `close`.
    func between(_ open: String, _ close: String) -> String? { after(open)?.before(close) }

    /// The decimal number it starts with.
    var leadingNumber: Int? { Int(prefix { $0.isASCII && $0.isNumber }) }

    /// The hexadecimal number after "0x" that it starts with.
    var leadingHex: UInt64? {
        guard hasPrefix("0x") else { return nil }
        return UInt64(dropFirst(2).prefix { $0.isHexDigit }, radix: 16)
    }

    /// Splits `path:12` or `path:12:5`; the path may contain colons.
    var fileAndLine: (file: String, line: Int?) {
        var parts = String(self).split(separator: ":" as Character, omittingEmptySubsequences: false).map(String.init)
        var numbers: [Int] = []
        while parts.count > 1, numbers.count < 2, let last = parts.last, let number = Int(last), number >= 0 {
            numbers.append(number)
            parts.removeLast()
        }
        return (parts.joined(separator: ":"), numbers.last)
    }
}
