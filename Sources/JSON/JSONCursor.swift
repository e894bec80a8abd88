/// A pull reader over JSON bytes (RFC 8259). It allocates nothing and stops at the end of the bytes it was given.
///
/// Every reader of JSON in this package stands on it, so what it accepts is decided here once:
/// - Strings: a control character below 0x20, an unknown escape, half of a surrogate pair and invalid UTF-8 are faults;
///   DEL is a character like any other.
/// - Numbers: RFC 8259's grammar. A number that a `Double` cannot hold is a fault. ``JSONValue`` keeps whole numbers up to
///   64 bits exactly.
/// - Of members with the same name, compared by their bytes, the first is used.
/// - At most ``maximumDepth`` arrays and objects are nested.
/// - A value that is skipped is checked for brackets, commas, quotes and words only, not for escapes, UTF-8 and numbers.
///
/// These are the rules of swift-foundation's `JSONDecoder`. It also accepts a comma after the last member, which a
/// cursor accepts only on request.
public struct JSONCursor {
    /// Most containers that may be open at the same time.
    public static let maximumDepth = 512

    /// The first byte.
    public let base: UnsafeRawPointer
    /// Number of bytes.
    public let end: Int
    /// The next byte to read, counted from ``base``.
    public var position: Int
    /// Whether a comma may follow the last member of an array or object.
    public let acceptsTrailingComma: Bool

    /// A cursor at a position of these bytes, which must outlive it.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, acceptsTrailingComma: Bool = false) {
        // An empty buffer has no address. Any address works, because nothing is read from it.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
        end = bytes.count
        self.position = position
        self.acceptsTrailingComma = acceptsTrailingComma
    }

    /// The byte at a position, which must be below ``end``.
    @inlinable @inline(__always)
    public func byte(_ index: Int) -> UInt8 { base.load(fromByteOffset: index, as: UInt8.self) }

    /// Returns the next byte that is not white space, without moving past it.
    @inlinable @inline(__always)
    public mutating func token() throws(JSONFault) -> UInt8 {
        while position < end {
            let byte = byte(position)
            if byte > 0x20 || (byte != 0x20 && byte != 0x0A && byte != 0x0D && byte != 0x09) { return byte }
            position += 1
        }
        throw .ended(at: position)
    }

    /// Moves past one expected punctuation byte.
    @inlinable @inline(__always)
    public mutating func expect(_ wanted: UInt8, _ reason: StaticString) throws(JSONFault) {
        guard try token() == wanted else { throw .malformed(reason, at: position) }
        position += 1
    }

    /// Whether only white space remains. Moves past it.
    public mutating func atEnd() -> Bool {
        do throws(JSONFault) {
            _ = try token()
            return false
        } catch {
            return true
        }
    }

    // MARK: Containers

    /// Moves past an opening brace or bracket. If the container is empty, moves past its end too and returns false.
    /// - Parameters:
    ///   - closing: the byte that closes the container.
    ///   - depth: the number of open containers around it.
    @inlinable @inline(__always)
    public mutating func enter(closing: UInt8, depth: Int) throws(JSONFault) -> Bool {
        guard depth < Self.maximumDepth else { throw .malformed("too many nested arrays or objects", at: position) }
        position += 1
        guard try token() == closing else { return true }
        position += 1
        return false
    }

    /// Moves past the comma after a member and returns true, or past the end of the container and returns false.
    @inlinable @inline(__always)
    public mutating func another(closing: UInt8) throws(JSONFault) -> Bool {
        let next = try token()
        if next == closing {
            position += 1
            return false
        }
        guard next == UInt8(ascii: ",") else { throw .malformed("expected a comma or the end", at: position) }
        position += 1
        guard acceptsTrailingComma, try token() == closing else { return true }
        position += 1
        return false
    }

    /// Moves past a key and its colon.
    @inlinable @inline(__always)
    public mutating func key() throws(JSONFault) -> JSONStringSpan {
        guard try token() == UInt8(ascii: "\"") else { throw .malformed("expected a key in quotes", at: position) }
        let span = try string()
        try expect(UInt8(ascii: ":"), "expected a colon")
        return span
    }

    /// Moves past a value and calls `body` with each key if it is an object; `body` must move past the key's value.
    public mutating func eachMember(
        depth: Int, _ body: (_ key: JSONStringSpan, _ cursor: inout JSONCursor) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        guard try token() == UInt8(ascii: "{") else { return try skipValue(depth: depth) }
        guard try enter(closing: UInt8(ascii: "}"), depth: depth) else { return }
        repeat {
            let key = try key()
            try body(key, &self)
        } while try another(closing: UInt8(ascii: "}"))
    }

    /// Moves past any value. `depth` is the number of open containers around it.
    public mutating func skipValue(depth: Int) throws(JSONFault) {
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
    public mutating func literal(_ word: StaticString) throws(JSONFault) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position + index < end else { throw .ended(at: position + index) }
            guard byte(position + index) == word.utf8Start[index] else {
                throw .malformed("unknown word", at: position + index)
            }
        }
        position += word.utf8CodeUnitCount
    }
}
