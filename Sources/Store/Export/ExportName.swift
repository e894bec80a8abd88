import Bytes
import JSON

/// Turns a path from an archive into a path that is safe to create. Only this and `openat2` see such a path on its way
/// to the file system.
enum ExportName {
    /// Longest component that is created, in bytes; longer ones keep their beginning and a hash of the whole.
    static let maxComponent = 200

    /// The components to create for a member's path; never empty, never `.` or `..`, no separators, no control bytes.
    static func components(of path: [UInt8]) -> [String] {
        let parts = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
            .filter { !$0.elementsEqual(".".utf8) }
        let names = parts.map { component(Array($0)) }
        return names.isEmpty ? ["%"] : names
    }

    /// Escapes one component: letters of any script stay; bytes that a shell, a terminal or another system could
    /// misread become `%XX`.
    static func component(_ bytes: [UInt8]) -> String {
        if bytes.elementsEqual("..".utf8) { return "%2E%2E" }
        var out: [UInt8] = []
        let isText = String(validating: bytes, as: UTF8.self) != nil && !hasInvisible(bytes)
        for (index, byte) in bytes.enumerated() {
            let mustEscape =
                byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "%")
                || (byte >= 0x80 && !isText) || (index == 0 && byte == UInt8(ascii: "-"))
            if mustEscape {
                out.append(contentsOf: hex(byte))
            } else {
                out.append(byte)
            }
        }
        if out.count > maxComponent {
            out = Array(out.prefix(maxComponent - 17)) + Array("~".utf8) + Array(fingerprint(bytes).utf8)
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// C1 controls, bidirectional overrides and the like would let a listing of the export lie.
    private static func hasInvisible(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: true
            default: false
            }
        }
    }

    private static func hex(_ byte: UInt8) -> [UInt8] {
        [UInt8(ascii: "%"), Hex.upperDigit(byte >> 4), Hex.upperDigit(byte & 15)]
    }

    /// FNV-1a, 64 bits: keeps truncated names apart; names that still collide get a number, as all collisions do.
    private static func fingerprint(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Hex.padded(hash)
    }
}
