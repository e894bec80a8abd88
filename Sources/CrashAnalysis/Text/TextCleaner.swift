/// Removes what terminals and container runtimes add to a line.
enum TextCleaner {
    /// Returns the bytes without newline, Docker's JSON wrapping, byte order mark and terminal sequences.
    static func clean(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let last = line.last, last == 0x0d || last == 0x0a { line = line.dropLast() }
        if line.starts(with: jsonFile) { line = docker(line.dropFirst(jsonFile.count)) }
        // A byte order mark belongs to the file, not to its first line.
        if line.first == 0xef, line.starts(with: [0xef, 0xbb, 0xbf]) { line = line.dropFirst(3) }
        guard line.contains(0x1b) else { return line }
        return withoutSequences(line)
    }

    private static let jsonFile = Array("{\"log\":\"".utf8)

    /// Removes control sequences (ECMA-48: ESC [ … final byte) and operating system commands (ESC ] … BEL or ESC \).
    private static func withoutSequences(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var kept: [UInt8] = []
        kept.reserveCapacity(line.count)
        var at = line.startIndex
        while at < line.endIndex {
            guard line[at] == 0x1b else {
                kept.append(line[at])
                at += 1
                continue
            }
            at += 1
            guard at < line.endIndex else { break }
            switch line[at] {
            case 0x5b:
                at += 1
                while at < line.endIndex, line[at] < 0x40 { at += 1 }
                at += 1
            case 0x5d:
                while at < line.endIndex, line[at] != 0x07, line[at] != 0x1b { at += 1 }
                if at < line.endIndex { at += line[at] == 0x1b ? 2 : 1 }
            default: break
            }
        }
        return kept[...]
    }

    /// The text of Docker's json-file driver: a JSON string up to its closing quote.
    private static func docker(_ body: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text: [UInt8] = []
        var at = body.startIndex
        while at < body.endIndex, body[at] != UInt8(ascii: "\"") {
            guard body[at] == UInt8(ascii: "\\"), at + 1 < body.endIndex else {
                text.append(body[at])
                at += 1
                continue
            }
            switch body[at + 1] {
            case UInt8(ascii: "n"), UInt8(ascii: "r"): break
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u") where at + 5 < body.endIndex:
                let digits = String(decoding: body[at + 2..<at + 6], as: UTF8.self)
                if let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) {
                    text += Array(String(Character(scalar)).utf8)
                }
                at += 4
            default: text.append(body[at + 1])
            }
            at += 2
        }
        return text[...]
    }
}
