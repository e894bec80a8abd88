extension JSONCursor {
    /// Moves past the characters of a number. Their order is checked when the number is read.
    ///
    /// Throws ``JSONFault/Kind/incomplete`` where the bytes end, because digits may follow.
    public mutating func number() throws(JSONFault) -> Range<Int> {
        let span = digits()
        guard position < end else { throw .ended(at: position) }
        return span
    }

    /// Moves past the characters of a number, up to the end of the bytes.
    mutating func digits() -> Range<Int> {
        let start = position
        while position < end {
            switch byte(position) {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                position += 1
            default: return start..<position
            }
        }
        return start..<position
    }

    /// Returns the value of a number. Throws when a `Double` cannot hold it: 1e400, and 1e-400, which would be 0.
    public func double(_ span: Range<Int>) throws(JSONFault) -> Double {
        if let small = wholeNumber(span) { return Double(small) }
        try checkNumber(span)
        let text = UnsafeRawBufferPointer(start: base + span.lowerBound, count: span.count)
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite, value != 0 || isZero(span)
        else { throw .malformed("number out of range", at: span.lowerBound) }
        return value
    }

    /// Whether every digit before the exponent is zero.
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
    public func checkNumber(_ span: Range<Int>) throws(JSONFault) {
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
