import Text

/// The range of one JSON string between its quotes, escapes not decoded.
public struct JSONStringSpan: Sendable {
    /// Position of the first byte after the opening quote.
    public var start: Int
    /// Position of the closing quote.
    public var end: Int
    /// Whether the string contains a backslash.
    public var hasEscapes: Bool

    /// A span between two positions.
    @inlinable
    public init(start: Int, end: Int, hasEscapes: Bool) {
        self.start = start
        self.end = end
        self.hasEscapes = hasEscapes
    }
}

/// Finds bytes in eight bytes at once. In each result a byte's high bit marks a match. The lowest mark is exact; a borrow
/// can only set marks above a true match.
@usableFromInline
enum ByteMarks {
    /// Marks the bytes equal to the one that fills `needle`.
    @inlinable @inline(__always)
    static func equal(_ word: UInt64, _ needle: UInt64) -> UInt64 {
        let difference = word ^ needle
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    }

    /// Marks the bytes below 0x20.
    @inlinable @inline(__always)
    static func controls(_ word: UInt64) -> UInt64 {
        (word &- 0x2020_2020_2020_2020) & ~word & 0x8080_8080_8080_8080
    }

    @inlinable @inline(__always)
    static func quotes(_ word: UInt64) -> UInt64 { equal(word, 0x2222_2222_2222_2222) }

    @inlinable @inline(__always)
    static func backslashes(_ word: UInt64) -> UInt64 { equal(word, 0x5C5C_5C5C_5C5C_5C5C) }
}

/// A growing buffer for unescaped strings, reused for each string.
public final class JSONScratch {
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int

    /// A buffer that begins with room for `capacity` bytes.
    public init(capacity: Int = 1024) {
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

// MARK: Finding the end

extension JSONCursor {
    /// The position of the next quote or backslash at or after `index`.
    @inlinable @inline(__always)
    public func delimiter(from index: Int) throws(JSONFault) -> Int {
        var index = index
        while index + 8 <= end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = ByteMarks.quotes(word) | ByteMarks.backslashes(word)
            if found != 0 { return index + found.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < end {
            let byte = byte(index)
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return index }
            index += 1
        }
        throw .ended(at: end)
    }

    /// The position after the escape sequence that begins with the backslash at `index`.
    @inlinable @inline(__always)
    func afterEscape(at index: Int) throws(JSONFault) -> Int {
        guard index + 1 < end else { throw .ended(at: end) }
        guard byte(index + 1) == UInt8(ascii: "u") else { return index + 2 }
        guard index + 6 <= end else { throw .ended(at: end) }
        for digit in index + 2..<index + 6 where byte(digit) == UInt8(ascii: "\"") {
            throw .malformed("incomplete \\u escape", at: digit)
        }
        return index + 6
    }

    /// Moves past a string, its opening quote included.
    @inlinable @inline(__always)
    public mutating func skipString() throws(JSONFault) {
        var index = try delimiter(from: position + 1)
        while byte(index) != UInt8(ascii: "\"") {
            index = try delimiter(from: afterEscape(at: index))
        }
        position = index + 1
    }

    /// Moves past a string, its opening quote included, and returns the range of its contents.
    @inlinable @inline(__always)
    public mutating func string() throws(JSONFault) -> JSONStringSpan {
        let start = position + 1
        var index = try delimiter(from: start)
        var hasEscapes = false
        while byte(index) != UInt8(ascii: "\"") {
            hasEscapes = true
            index = try delimiter(from: afterEscape(at: index))
        }
        position = index + 1
        return JSONStringSpan(start: start, end: index, hasEscapes: hasEscapes)
    }
}

// MARK: Contents

extension JSONCursor {
    /// Returns the unescaped string. Throws if it is not valid UTF-8.
    public func text(_ span: JSONStringSpan, in scratch: JSONScratch) throws(JSONFault) -> String {
        guard let text = String(utf8: try unescaped(span, in: scratch)) else {
            throw .malformed("not UTF-8", at: span.start)
        }
        return text
    }

    /// The unchanged text between two positions; nil when it is not UTF-8.
    public func source(_ span: Range<Int>) -> String? {
        String(utf8: UnsafeRawBufferPointer(start: base + span.lowerBound, count: span.count))
    }

    /// Whether a string equals an ASCII word without quotes and backslashes.
    public func matches(_ span: JSONStringSpan, _ word: StaticString, in scratch: JSONScratch) -> Bool {
        guard let bytes = try? unescaped(span, in: scratch) else { return false }
        return bytes.count == word.utf8CodeUnitCount && bytes.matches(word)
    }

    /// Returns the unescaped bytes of a string: in place when it has no escapes, else in `scratch`.
    ///
    /// The result is valid until `scratch` is used again. UTF-8 is not checked.
    @inlinable @inline(__always)
    public func unescaped(_ span: JSONStringSpan, in scratch: JSONScratch) throws(JSONFault) -> UnsafeRawBufferPointer {
        guard span.hasEscapes else {
            try rejectControlCharacters(span)
            return UnsafeRawBufferPointer(start: base + span.start, count: span.end - span.start)
        }
        return try decoded(span, in: scratch)
    }

    @usableFromInline
    func decoded(_ span: JSONStringSpan, in scratch: JSONScratch) throws(JSONFault) -> UnsafeRawBufferPointer {
        // Whole words are copied, so up to seven bytes beyond the text are written.
        let output = scratch.room(for: span.end - span.start + 8)
        return UnsafeRawBufferPointer(start: output, count: try unescape(span, into: output))
    }

    @inlinable
    func rejectControlCharacters(_ span: JSONStringSpan) throws(JSONFault) {
        var index = span.start
        while index + 8 <= span.end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            if ByteMarks.controls(word) != 0 { break }
            index += 8
        }
        while index < span.end {
            guard byte(index) >= 0x20 else { throw .malformed("control character in a string", at: index) }
            index += 1
        }
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
                let stops = ByteMarks.controls(word) | ByteMarks.backslashes(word)
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
        let start = index
        var scalar = try codeUnit(at: index)
        index += 6
        if scalar & 0xFC00 == 0xD800 {
            guard index + 6 <= end, byte(index) == UInt8(ascii: "\\"), byte(index + 1) == UInt8(ascii: "u") else {
                throw .malformed("half of a surrogate pair", at: start)
            }
            let low = try codeUnit(at: index)
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

    /// The UTF-16 code unit of the `\uXXXX` escape that begins at `index`.
    public func codeUnit(at index: Int) throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for position in index + 2..<index + 6 {
            guard position < end else { throw .malformed("incomplete \\u escape", at: index + 2) }
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

extension UnsafeRawBufferPointer {
    /// Whether the bytes equal a word, which must have the same length.
    @inlinable @inline(__always)
    public func matches(_ word: StaticString) -> Bool {
        for index in 0..<word.utf8CodeUnitCount where self[index] != word.utf8Start[index] { return false }
        return true
    }
}
