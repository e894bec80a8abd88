import JSON
import Text

/// Repairs one damaged JSON value so that a strict reader accepts it: invalid text becomes U+FFFD, an invalid number or
/// literal becomes null.
///
/// It works on tokens and leaves the structure unchanged: a missing colon stays missing. It uses as much memory as the
/// value.
package struct JSONMender {
    /// The repaired value.
    private(set) var output: [UInt8] = []
    /// Whether characters of the value's first top-level member `id` were replaced; nil when there is no such member.
    private(set) var idWasReplaced: Bool?
    /// The text of that member, as far as it can be read.
    private(set) var id: [UInt8]?

    private let base: UnsafeRawBufferPointer
    private var index = 0
    /// Number of open containers. Containers deeper than readers accept are replaced by null.
    private var depth = 0
    /// The last string at the top level of the value; a colon after it makes it a key.
    private var lastText: [UInt8] = []
    private var key: [UInt8]?

    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// Repairs the value in `bytes`, which hold nothing else.
    init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes
        output.reserveCapacity(bytes.count + 64)
        while index < base.count { step() }
    }

    /// Returns the repaired bytes.
    package static func mended(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { JSONMender($0).output } }

    private mutating func step() {
        let byte = base[index]
        switch byte {
        case UInt8(ascii: "\""): string()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            if depth == JSONCursor.maximumDepth - 2 {
                leaveOut()
            } else {
                depth += 1
                put(byte)
            }
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth = max(0, depth - 1)
            put(byte)
        case UInt8(ascii: ":"):
            if depth == 1 { key = lastText }
            put(byte)
        case UInt8(ascii: ","):
            if depth == 1 { key = nil }
            put(byte)
        case 0x20, 0x09, 0x0A, 0x0D: put(byte)
        default: word()
        }
    }

    private mutating func put(_ byte: UInt8) {
        output.append(byte)
        index += 1
    }

    /// Replaces a container that is nested too deeply with null.
    private mutating func leaveOut() {
        let cursor = JSONCursor(base)
        var end = base.count
        if let found = try? cursor.damagedEnd(from: index) { end = found }
        output.append(contentsOf: "null".utf8)
        index = max(end, index + 1)
    }

    /// Copies a number, true, false or null; writes null for anything else outside strings and structure.
    private mutating func word() {
        let start = index
        while index < base.count, !Self.endsWord(base[index]) { index += 1 }
        let word = UnsafeRawBufferPointer(rebasing: base[start..<index])
        let isGood: Bool
        switch word[0] {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            // Parse the digits directly: at the end of its bytes a cursor would wait for more of the number.
            isGood = (try? JSONCursor(word).double(0..<word.count)) != nil
        default: isGood = ["true", "false", "null"].contains { $0.utf8.elementsEqual(word) }
        }
        if isGood { output.append(contentsOf: word) } else { output.append(contentsOf: "null".utf8) }
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "{"),
            UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"):
            true
        default: false
        }
    }

    // MARK: Strings

    private mutating func string() {
        index += 1
        var text: [UInt8] = []
        var wasReplaced = false
        while index < base.count, base[index] != UInt8(ascii: "\"") {
            let byte = base[index]
            if byte == UInt8(ascii: "\\") {
                escape(&text, &wasReplaced)
            } else if byte < 0x80 {
                // A raw control character is invalid JSON, but its value is known: keep it.
                text.append(byte)
                index += 1
            } else {
                sequence(&text, &wasReplaced)
            }
        }
        index += 1
        text.withUnsafeBytes { JSONString.append(utf8: $0, to: &output) }
        guard depth == 1 else { return }
        lastText = text
        if let key, key.elementsEqual("id".utf8), idWasReplaced == nil {
            idWasReplaced = wasReplaced
            id = text
        }
    }

    /// Copies one multi-byte character, or replaces a byte that does not begin one.
    private mutating func sequence(_ text: inout [UInt8], _ wasReplaced: inout Bool) {
        let first = base[index]
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        let rest = base[index..<min(index + length, base.count)]
        if first >= 0xC2, rest.count == length, UnsafeRawBufferPointer(rebasing: rest).isUTF8 {
            text.append(contentsOf: rest)
            index += length
        } else {
            text.append(contentsOf: Self.replacement)
            wasReplaced = true
            index += 1
        }
    }

    private mutating func escape(_ text: inout [UInt8], _ wasReplaced: inout Bool) {
        guard index + 1 < base.count else {
            index = base.count
            return
        }
        let kind = base[index + 1]
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            unicode(&text, &wasReplaced)
            return
        default:
            // An unknown escape: replace the backslash and keep what follows.
            text.append(contentsOf: Self.replacement)
            wasReplaced = true
            index += 1
            return
        }
        index += 2
    }

    private mutating func unicode(_ text: inout [UInt8], _ wasReplaced: inout Bool) {
        guard let unit = unit(at: index) else {
            text.append(contentsOf: Self.replacement)
            wasReplaced = true
            index += 2
            return
        }
        index += 6
        var scalar = Unicode.Scalar(unit)
        if unit & 0xFC00 == 0xD800, let low = self.unit(at: index), low & 0xFC00 == 0xDC00 {
            scalar = Unicode.Scalar(0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF))
            index += 6
        }
        if scalar == nil { wasReplaced = true }
        text.append(contentsOf: String(scalar ?? "\u{FFFD}").utf8)
    }

    /// The code unit of the `\u` escape at a position; nil when there is none.
    private func unit(at place: Int) -> UInt32? {
        guard place + 6 <= base.count, base[place] == UInt8(ascii: "\\"), base[place + 1] == UInt8(ascii: "u") else {
            return nil
        }
        return try? JSONCursor(base).codeUnit(at: place)
    }
}

extension JSONCursor {
    /// Returns where a damaged value that begins at `start` ends, by brackets and quotes only: after the bracket that
    /// closes it, or at the comma, closing bracket or next object of its container.
    /// - Throws: when the bytes end before the value does.
    func damagedEnd(from start: Int) throws(JSONFault) -> Int {
        // The closing brackets of the open containers.
        var open: [UInt8] = []
        var index = start
        while index < end {
            let byte = byte(index)
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                while true {
                    index = try delimiter(from: index)
                    if self.byte(index) == UInt8(ascii: "\"") { break }
                    index += 2
                }
            case UInt8(ascii: "{"):
                // Another value begins; only the comma before it is missing.
                if open.isEmpty, index > start { return index }
                open.append(UInt8(ascii: "}"))
            case UInt8(ascii: "["): open.append(UInt8(ascii: "]"))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if open.isEmpty { return index }
                // A bracket that closes nothing is part of the damage.
                if let place = open.lastIndex(of: byte) {
                    open.removeSubrange(place...)
                    if open.isEmpty { return index + 1 }
                }
            case UInt8(ascii: ","):
                if open.isEmpty { return index }
                // In an object a key follows a comma. An object here is the next value, and a closing brace is missing.
                if open.last == UInt8(ascii: "}"), try followedByObject(index) { return index }
            default: break
            }
            index += 1
        }
        throw .ended(at: end)
    }

    /// Whether the next byte that is not white space opens an object.
    private func followedByObject(_ comma: Int) throws(JSONFault) -> Bool {
        var next = JSONCursor(UnsafeRawBufferPointer(start: base, count: end), at: comma + 1)
        return try next.token() == UInt8(ascii: "{")
    }
}
