/// Why reading a JSON text stopped.
struct JSONFault: Error {
    /// True when the bytes received so far end too early; more bytes may fix it.
    var incomplete: Bool
    /// Position of the offending byte, from the cursor's base.
    var offset: Int
    /// What is wrong there.
    var reason: StaticString
    /// True when the text is JSON but not a response of session-list.
    var isForeign = false

    static func malformed(_ reason: StaticString, at offset: Int) -> JSONFault {
        JSONFault(incomplete: false, offset: offset, reason: reason)
    }

    static func foreign(_ reason: StaticString, at offset: Int) -> JSONFault {
        JSONFault(incomplete: false, offset: offset, reason: reason, isForeign: true)
    }

    static func ended(at offset: Int) -> JSONFault {
        JSONFault(incomplete: true, offset: offset, reason: "unexpected end")
    }
}

/// The range of one JSON string between its quotes, escapes not decoded.
struct JSONStringSpan {
    var start: Int
    var end: Int
    var hasEscapes: Bool
}

/// A pull reader over JSON bytes (RFC 8259) that allocates nothing and stops at the end of the bytes it was given.
///
/// It accepts exactly what swift-foundation's `JSONDecoder` accepts, so that a list read as a stream and the same list
/// read by `JSONDecoder` agree: one trailing comma is tolerated, at most 512 levels are nested, and the inside of a
/// skipped value (escapes, UTF-8, the grammar of numbers) is not checked.
struct JSONCursor {
    /// Most containers that may be open at the same time.
    static let maximumDepth = 512

    let base: UnsafeRawPointer
    let end: Int
    var position: Int

    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        // An empty buffer has no address. Any address works, because nothing is read from it.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
        end = bytes.count
        self.position = position
    }

    @inline(__always)
    func byte(_ index: Int) -> UInt8 { base.load(fromByteOffset: index, as: UInt8.self) }

    /// Returns the next byte that is not white space, without moving past it.
    @inline(__always)
    mutating func token() throws(JSONFault) -> UInt8 {
        while position < end {
            let byte = byte(position)
            if byte > 0x20 || (byte != 0x20 && byte != 0x0A && byte != 0x0D && byte != 0x09) { return byte }
            position += 1
        }
        throw .ended(at: position)
    }

    /// Moves past one expected punctuation byte.
    @inline(__always)
    mutating func expect(_ wanted: UInt8, _ reason: StaticString) throws(JSONFault) {
        guard try token() == wanted else { throw .malformed(reason, at: position) }
        position += 1
    }

    // MARK: Containers

    /// Moves past an opening brace or bracket. If the container is empty, moves past its end too and returns false.
    @inline(__always)
    mutating func enter(closing: UInt8, depth: Int) throws(JSONFault) -> Bool {
        guard depth < Self.maximumDepth else { throw .malformed("too many nested arrays or objects", at: position) }
        position += 1
        guard try token() == closing else { return true }
        position += 1
        return false
    }

    /// Moves past the comma after a member and returns true, or past the end of the container and returns false.
    @inline(__always)
    mutating func another(closing: UInt8) throws(JSONFault) -> Bool {
        let next = try token()
        if next == closing {
            position += 1
            return false
        }
        guard next == UInt8(ascii: ",") else { throw .malformed("expected a comma or the end", at: position) }
        position += 1
        guard try token() == closing else { return true }
        position += 1
        return false
    }

    /// Moves past a key and its colon.
    @inline(__always)
    mutating func key() throws(JSONFault) -> JSONStringSpan {
        guard try token() == UInt8(ascii: "\"") else { throw .malformed("expected a key in quotes", at: position) }
        let span = try string()
        try expect(UInt8(ascii: ":"), "expected a colon")
        return span
    }

    /// Moves past any value. `depth` is the number of open containers around it.
    mutating func skipValue(depth: Int) throws(JSONFault) {
        switch try token() {
        case UInt8(ascii: "\""):
            try skipString()
        case UInt8(ascii: "{"):
            guard try enter(closing: UInt8(ascii: "}"), depth: depth) else { return }
            repeat {
                guard try token() == UInt8(ascii: "\"") else {
                    throw .malformed("expected a key in quotes", at: position)
                }
                try skipString()
                try expect(UInt8(ascii: ":"), "expected a colon")
                try skipValue(depth: depth + 1)
            } while try another(closing: UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            guard try enter(closing: UInt8(ascii: "]"), depth: depth) else { return }
            repeat {
                try skipValue(depth: depth + 1)
            } while try another(closing: UInt8(ascii: "]"))
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try number()
        default: throw .malformed("expected a value", at: position)
        }
    }

    /// Moves past `true`, `false` or `null`.
    mutating func literal(_ word: StaticString) throws(JSONFault) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position + index < end else { throw .ended(at: position + index) }
            guard byte(position + index) == word.utf8Start[index] else {
                throw .malformed("unknown word", at: position + index)
            }
        }
        position += word.utf8CodeUnitCount
    }

    /// Moves past the characters of a number. Their order is checked when the number is read.
    mutating func number() throws(JSONFault) -> Range<Int> {
        let start = position
        while position < end {
            switch byte(position) {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                position += 1
            default: return start..<position
            }
        }
        throw .ended(at: position)
    }
}

// MARK: Strings

extension JSONCursor {
    @inline(__always)
    private static func matches(_ word: UInt64, _ needle: UInt64) -> UInt64 {
        let difference = word ^ needle
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    }

    /// The position of the next quote or backslash at or after `index`.
    @inline(__always)
    func delimiter(from index: Int) throws(JSONFault) -> Int {
        var index = index
        while index + 8 <= end {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            // The lowest marked byte is exact; a borrow can only mark bytes above a true match.
            let found = Self.matches(word, 0x2222_2222_2222_2222) | Self.matches(word, 0x5C5C_5C5C_5C5C_5C5C)
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
    @inline(__always)
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
    @inline(__always)
    mutating func skipString() throws(JSONFault) {
        var index = try delimiter(from: position + 1)
        while byte(index) != UInt8(ascii: "\"") {
            index = try delimiter(from: afterEscape(at: index))
        }
        position = index + 1
    }

    /// Moves past a string, its opening quote included, and returns the range of its contents.
    @inline(__always)
    mutating func string() throws(JSONFault) -> JSONStringSpan {
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
