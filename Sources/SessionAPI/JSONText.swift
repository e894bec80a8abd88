#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A growing buffer for unescaped strings, reused for each string.
final class JSONScratch {
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int

    init(capacity: Int = 1024) {
        self.capacity = capacity
        memory = .allocate(capacity: capacity)
    }

    deinit { memory.deallocate() }

    /// Returns room for `count` bytes. The previous contents are lost.
    func room(for count: Int) -> UnsafeMutablePointer<UInt8> {
        if count > capacity {
            memory.deallocate()
            capacity = max(count, capacity * 2)
            memory = .allocate(capacity: capacity)
        }
        return memory
    }
}

extension JSONCursor {
    /// Returns the unescaped bytes of a string: in place when it has no escapes, else in `scratch`.
    ///
    /// The result is valid until `scratch` is used again. UTF-8 is not checked.
    @inline(__always)
    func unescaped(_ span: JSONStringSpan, in scratch: JSONScratch) throws(JSONFault) -> UnsafeRawBufferPointer {
        guard span.hasEscapes else {
            try rejectControlCharacters(span)
            return UnsafeRawBufferPointer(start: base + span.start, count: span.end - span.start)
        }
        // Whole words are copied, so up to seven bytes beyond the text are written.
        let output = scratch.room(for: span.end - span.start + 8)
        return UnsafeRawBufferPointer(start: output, count: try unescape(span, into: output))
    }

    private func rejectControlCharacters(_ span: JSONStringSpan) throws(JSONFault) {
        var index = span.start
        while index + 8 <= span.end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            if Self.controls(in: word) != 0 { break }
            index += 8
        }
        while index < span.end {
            guard byte(index) >= 0x20 else { throw .malformed("control character in a string", at: index) }
            index += 1
        }
    }

    /// A bit is set when the word holds a byte below 0x20.
    @inline(__always)
    private static func controls(in word: UInt64) -> UInt64 {
        (word &- 0x2020_2020_2020_2020) & ~word & 0x8080_8080_8080_8080
    }

    @inline(__always)
    private static func backslashes(in word: UInt64) -> UInt64 {
        let difference = word ^ 0x5C5C_5C5C_5C5C_5C5C
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    }

    private func unescape(
        _ span: JSONStringSpan, into output: UnsafeMutablePointer<UInt8>
    ) throws(JSONFault) -> Int {
        var index = span.start
        var count = 0
        while index < span.end {
            if index + 8 <= span.end {
                let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                UnsafeMutableRawPointer(output + count).storeBytes(of: word.littleEndian, as: UInt64.self)
                let stops = Self.controls(in: word) | Self.backslashes(in: word)
                let plain = stops == 0 ? 8 : stops.trailingZeroBitCount >> 3
                index += plain
                count += plain
                if stops == 0 { continue }
            }
            let byte = byte(index)
            guard byte >= 0x20 else { throw .malformed("control character in a string", at: index) }
            if byte == UInt8(ascii: "\\") {
                count += try unescapeOne(&index, to: output + count)
            } else {
                output[count] = byte
                count += 1
                index += 1
            }
        }
        return count
    }

    /// Decodes the escape at `index`, moves past it and returns the number of bytes written.
    private func unescapeOne(_ index: inout Int, to output: UnsafeMutablePointer<UInt8>) throws(JSONFault) -> Int {
        // The scan for the end of the string has checked that a byte follows the backslash, and four bytes follow a u.
        let kind = byte(index + 1)
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output[0] = kind
        case UInt8(ascii: "b"): output[0] = 0x08
        case UInt8(ascii: "f"): output[0] = 0x0C
        case UInt8(ascii: "n"): output[0] = 0x0A
        case UInt8(ascii: "r"): output[0] = 0x0D
        case UInt8(ascii: "t"): output[0] = 0x09
        case UInt8(ascii: "u"): return try unescapeUnicode(&index, to: output)
        default: throw .malformed("unknown escape in a string", at: index)
        }
        index += 2
        return 1
    }

    private func unescapeUnicode(_ index: inout Int, to output: UnsafeMutablePointer<UInt8>) throws(JSONFault) -> Int {
        var scalar = try hexadecimal(at: index + 2)
        let start = index
        index += 6
        if scalar & 0xFC00 == 0xD800 {
            guard index + 6 <= end, byte(index) == UInt8(ascii: "\\"), byte(index + 1) == UInt8(ascii: "u") else {
                throw .malformed("half of a surrogate pair", at: start)
            }
            let low = try hexadecimal(at: index + 2)
            guard low & 0xFC00 == 0xDC00 else { throw .malformed("half of a surrogate pair", at: start) }
            scalar = 0x10000 + (scalar & 0x3FF) << 10 + (low & 0x3FF)
            index += 6
        } else if scalar & 0xFC00 == 0xDC00 {
            throw .malformed("half of a surrogate pair", at: start)
        }
        guard let value = Unicode.Scalar(scalar), let units = Unicode.UTF8.encode(value) else {
            throw .malformed("not a Unicode character", at: start)
        }
        var count = 0
        for unit in units {
            output[count] = unit
            count += 1
        }
        return count
    }

    private func hexadecimal(at index: Int) throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for position in index..<index + 4 {
            guard position < end else { throw .malformed("incomplete \\u escape", at: index) }
            let digit: UInt8
            switch byte(position) {
            case let byte where byte >= 0x30 && byte <= 0x39: digit = byte - 0x30
            case let byte where byte >= 0x41 && byte <= 0x46: digit = byte - 0x41 + 10
            case let byte where byte >= 0x61 && byte <= 0x66: digit = byte - 0x61 + 10
            default: throw .malformed("not a hexadecimal digit", at: position)
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}

// MARK: Numbers

extension JSONCursor {
    /// Returns the value of a number. Like `JSONDecoder`, throws when a Double cannot hold it.
    func double(_ span: Range<Int>) throws(JSONFault) -> Double {
        if let small = wholeNumber(span) { return Double(small) }
        try checkNumber(span)
        let text = UnsafeRawBufferPointer(start: base + span.lowerBound, count: span.count)
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite, value != 0 || isZero(span)
        else { throw .malformed("number out of range", at: span.lowerBound) }
        return value
    }

    /// True when every digit before the exponent is zero.
    private func isZero(_ span: Range<Int>) -> Bool {
        for index in span {
            if byte(index) | 0x20 == UInt8(ascii: "e") { return true }
            if byte(index) >= UInt8(ascii: "1"), byte(index) <= UInt8(ascii: "9") { return false }
        }
        return true
    }

    /// Fast path for the usual form: up to 15 plain digits, which a Double holds exactly.
    @inline(__always)
    private func wholeNumber(_ span: Range<Int>) -> Int? {
        guard span.count <= 15, span.count == 1 || byte(span.lowerBound) != UInt8(ascii: "0") else { return nil }
        var value = 0
        for index in span {
            let digit = byte(index) &- 0x30
            guard digit <= 9 else { return nil }
            value = value &* 10 &+ Int(digit)
        }
        return value
    }

    /// Checks that the characters form a number as JSON's grammar defines it.
    func checkNumber(_ span: Range<Int>) throws(JSONFault) {
        var index = span.lowerBound
        func digits() throws(JSONFault) {
            let first = index
            while index < span.upperBound, byte(index) &- 0x30 <= 9 { index += 1 }
            guard index > first else { throw .malformed("malformed number", at: span.lowerBound) }
        }
        if byte(index) == UInt8(ascii: "-") { index += 1 }
        let whole = index
        try digits()
        if byte(whole) == UInt8(ascii: "0"), index > whole + 1 { throw .malformed("malformed number", at: whole) }
        if index < span.upperBound, byte(index) == UInt8(ascii: ".") {
            index += 1
            try digits()
        }
        if index < span.upperBound, byte(index) | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < span.upperBound, byte(index) == UInt8(ascii: "+") || byte(index) == UInt8(ascii: "-") {
                index += 1
            }
            try digits()
        }
        guard index == span.upperBound else { throw .malformed("malformed number", at: span.lowerBound) }
    }
}

/// Turns bytes into strings and returns the same string for bytes it saw before, so that an image name that occurs
/// 100,000 times is allocated once. The number of slots is fixed, so hostile input cannot make it grow.
struct StringInterner {
    private var slots: [String?]

    init(slots: Int = 256) {
        self.slots = Array(repeating: nil, count: slots)
    }

    /// Returns the string of these bytes; nil when they are not valid UTF-8.
    @inline(__always)
    mutating func string(_ bytes: UnsafeRawBufferPointer) -> String? {
        // Up to 15 bytes are stored inside the String value itself: nothing to share.
        guard bytes.count > 15, bytes.count <= 256, let base = bytes.baseAddress else { return plainString(bytes) }
        let head = base.loadUnaligned(as: UInt64.self)
        let tail = base.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        let mixed = (head ^ (tail &* 0x9E37_79B9_7F4A_7C15) ^ UInt64(bytes.count)) &* 0xFF51_AFD7_ED55_8CCD
        let slot = Int(truncatingIfNeeded: mixed >> 40) & (slots.count - 1)
        if let known = slots[slot], known.hasBytes(bytes) { return known }
        guard let fresh = plainString(bytes) else { return nil }
        slots[slot] = fresh
        return fresh
    }
}

/// Returns the string of these bytes; nil when they are not valid UTF-8.
@inline(__always)
func plainString(_ bytes: UnsafeRawBufferPointer) -> String? {
    let units = bytes.bindMemory(to: UInt8.self)
    // The validating initializer is generic in the standard library and several times slower.
    return bytes.isASCII ? String(decoding: units, as: UTF8.self) : String(validating: units, as: UTF8.self)
}

extension UnsafeRawBufferPointer {
    /// True when every byte is below 0x80.
    @inline(__always)
    var isASCII: Bool {
        var index = 0
        var seen: UInt64 = 0
        while index + 8 <= count {
            seen |= loadUnaligned(fromByteOffset: index, as: UInt64.self)
            index += 8
        }
        var rest: UInt8 = 0
        while index < count {
            rest |= self[index]
            index += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0 && rest < 0x80
    }

    /// True when the bytes are valid UTF-8.
    var isUTF8: Bool {
        isASCII || String(validating: bindMemory(to: UInt8.self), as: UTF8.self) != nil
    }

    /// True when the bytes equal a word of the same length.
    @inline(__always)
    func matches(_ word: StaticString) -> Bool {
        for index in 0..<word.utf8CodeUnitCount where self[index] != word.utf8Start[index] { return false }
        return true
    }
}

extension String {
    /// True when the string's UTF-8 equals these bytes.
    @inline(__always)
    func hasBytes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var copy = self
        return copy.withUTF8 { utf8 in
            guard utf8.count == bytes.count else { return false }
            guard let left = utf8.baseAddress, let right = bytes.baseAddress else { return utf8.isEmpty }
            return memcmp(left, right, bytes.count) == 0
        }
    }
}
