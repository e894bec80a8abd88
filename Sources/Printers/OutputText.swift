import Bytes
import JSON
internal import LogSearch
import Text

/// Bytes in JSON, as ripgrep writes them.
enum JSONBytes {
    /// ripgrep's data object: `{"text":…}`, or `{"bytes":…}` in base64 when the bytes are not UTF-8.
    static func appendData(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        if bytes.isUTF8 {
            out += "{\"text\":".utf8
            JSONString.append(utf8: bytes, to: &out)
        } else {
            out += "{\"bytes\":\"".utf8
            Base64.append(bytes, to: &out)
            out.append(0x22)
        }
        out.append(0x7D)
    }
}

extension Array where Element == UInt8 {
    /// Appends a number in decimal.
    mutating func append(decimal value: UInt64) {
        if value < 10 {
            append(0x30 + UInt8(value))
            return
        }
        var rest = value
        let start = count
        while rest > 0 {
            append(0x30 + UInt8(rest % 10))
            rest /= 10
        }
        self[start...].reverse()
    }
}
