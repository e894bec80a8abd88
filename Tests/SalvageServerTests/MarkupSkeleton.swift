/// The tags and attribute names of an HTML text, in order, as a browser's tokenizer finds them. Text and the values of attributes
/// are left out: pages that differ in data only have the same skeleton.
struct MarkupSkeleton {
    /// Such as `<a href class>` and `</a>`.
    let tags: [String]

    init(_ html: String) {
        var scan = Scan(bytes: Array(html.utf8))
        tags = scan.tags()
    }

    private struct Scan {
        let bytes: [UInt8]
        var at = 0

        mutating func tags() -> [String] {
            var tags: [String] = []
            while at < bytes.count {
                guard bytes[at] == UInt8(ascii: "<"), at + 1 < bytes.count, begins(bytes[at + 1]) else {
                    at += 1
                    continue
                }
                tags.append(tag())
            }
            return tags
        }

        private func begins(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "/") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?") || isLetter(byte)
        }

        private func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }

        private func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0C, 0x0D].contains(byte) }

        /// Reads from `<` to the `>` that ends the tag.
        private mutating func tag() -> String {
            var words = [word(until: ">")]
            while at < bytes.count, bytes[at] != UInt8(ascii: ">") {
                if isSpace(bytes[at]) || bytes[at] == UInt8(ascii: "/") {
                    at += 1
                    continue
                }
                words.append(word(until: ">="))
                if at < bytes.count, bytes[at] == UInt8(ascii: "=") {
                    at += 1
                    value()
                }
            }
            at += 1
            return words.joined(separator: " ") + ">"
        }

        private mutating func value() {
            guard at < bytes.count else { return }
            let quote = bytes[at]
            guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                _ = word(until: ">")
                return
            }
            at += 1
            while at < bytes.count, bytes[at] != quote { at += 1 }
            at += 1
        }

        /// Reads a byte and what follows up to white space or one of the enders.
        private mutating func word(until enders: String) -> String {
            let start = at
            at += 1
            while at < bytes.count, !isSpace(bytes[at]), !enders.utf8.contains(bytes[at]) { at += 1 }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }
    }
}
