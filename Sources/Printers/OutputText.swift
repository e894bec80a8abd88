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
            appendBase64(bytes, to: &out)
            out.append(0x22)
        }
        out.append(0x7D)
    }

    private static let base64 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func appendBase64(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        var at = 0
        while at < bytes.count {
            let left = min(3, bytes.count - at)
            var group = UInt32(bytes[at]) << 16
            if left > 1 { group |= UInt32(bytes[at + 1]) << 8 }
            if left > 2 { group |= UInt32(bytes[at + 2]) }
            for index in 0..<4 {
                out.append(index <= left ? base64[Int(group >> (18 - 6 * UInt32(index)) & 63)] : 0x3D)
            }
            at += 3
        }
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
