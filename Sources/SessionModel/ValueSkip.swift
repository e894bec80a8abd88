/// Finds the end of a JSON value, or of a member with its key, by brackets and quotes only, while it arrives in pieces
/// that are not kept.
struct ValueSkip {
    private var depth = 0
    private var inString = false
    private var isEscaped = false

    /// Returns where the value ends: at the comma or bracket after it. Nil when it continues beyond these bytes.
    mutating func end(in bytes: UnsafeRawBufferPointer) -> Int? {
        for (index, byte) in bytes.enumerated() {
            if inString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index }
                depth -= 1
            case UInt8(ascii: ","):
                if depth == 0 { return index }
            default: break
            }
        }
        return nil
    }
}
