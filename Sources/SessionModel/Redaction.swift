/// Removes the bearer token from a server's texts, which may echo the request.
///
/// Values that the caller sent are kept even if they contain the token's text: with the token `sandbox` an error still
/// names the session `sandbox-1`. A text that equals the token, and a token after words such as `Bearer`, are always
/// removed.
package struct Redaction: Sendable {
    /// Removes nothing.
    package static let none = Redaction(token: "")

    private let token: [UInt8]
    /// The values sent by the caller that contain the token's text.
    private let sent: [[UInt8]]

    /// Prepares for one request.
    ///
    /// - Parameters:
    ///   - token: the text to remove; an empty token removes nothing.
    ///   - sent: the values of the request that a server may repeat.
    package init(token: String, sent: [String] = []) {
        let token = Array(token.utf8)
        self.token = token
        self.sent =
            token.isEmpty
            ? []
            : sent.map { Array($0.utf8) }.filter { value in value.indices.contains { value[$0...].starts(with: token) }
            }
    }

    /// Returns a text without the token.
    package func clean(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let cleaned = clean(bytes)
        return cleaned.count == bytes.count && cleaned == bytes ? text : String(decoding: cleaned, as: UTF8.self)
    }

    /// Returns bytes without the token.
    package func clean(_ text: [UInt8]) -> [UInt8] {
        guard !token.isEmpty, text.count >= token.count else { return text }
        let removed = removals(in: text)
        guard !removed.isEmpty else { return text }
        var output: [UInt8] = []
        var index = 0
        for range in removed where range.lowerBound >= index {
            output += text[index..<range.lowerBound]
            output += Array("[token]".utf8)
            index = range.upperBound
        }
        return output + text[index...]
    }

    /// The occurrences of the token that are not part of a value sent by the caller, in order.
    private func removals(in text: [UInt8]) -> [Range<Int>] {
        let found = text.indices.compactMap { start in Self.end(of: token, in: text, at: start).map { start..<$0 } }
        guard !found.isEmpty else { return [] }
        var kept = occurrences(in: text)
        while true {
            let removed = found.filter { !isCallers($0, kept, text) }
            // A value that loses a part is no longer the caller's and protects no other occurrence.
            let whole = kept.filter { value in !removed.contains { $0.overlaps(value) } }
            if whole.count == kept.count { return removed }
            kept = whole
        }
    }

    private func occurrences(in text: [UInt8]) -> [Range<Int>] {
        sent.flatMap { value in
            text.indices.compactMap { start in Self.end(of: value, in: text, at: start).map { start..<$0 } }
        }
    }

    /// Whether an occurrence of the token's text belongs to a value sent by the caller.
    private func isCallers(_ found: Range<Int>, _ kept: [Range<Int>], _ text: [UInt8]) -> Bool {
        guard kept.contains(where: { $0.lowerBound <= found.lowerBound && found.upperBound <= $0.upperBound }) else {
            return false
        }
        // As part of a longer value it is not an echo of the token.
        if kept.contains(where: {
            $0.lowerBound <= found.lowerBound && found.upperBound <= $0.upperBound && $0 != found
        }) {
            return true
        }
        return found != text.indices && !Self.followsCredentialWord(text[..<found.lowerBound])
    }

    /// Whether a text ends in a word that precedes a credential, followed by a separator.
    private static func followsCredentialWord(_ text: ArraySlice<UInt8>) -> Bool {
        var text = text
        let separators = Array(" \t:=\"'+,".utf8)
        var hadSeparator = false
        while let last = text.last {
            if separators.contains(last) {
                text.removeLast()
            } else if text.count >= 3, text.suffix(3).elementsEqual("%20".utf8) {
                text.removeLast(3)
            } else {
                break
            }
            hadSeparator = true
        }
        guard hadSeparator else { return false }
        let end = text.suffix(16).map { $0 | 0x20 }
        return ["bearer", "token", "authorization"].contains { word in
            end.count >= word.utf8.count && end.suffix(word.utf8.count).elementsEqual(word.utf8)
        }
    }

    /// The end of a value that begins at `start`: unchanged, percent-encoded or with JSON escapes. Nil when it does not
    /// begin there.
    private static func end(of value: [UInt8], in text: [UInt8], at start: Int) -> Int? {
        let first = text[start]
        guard first == value[0] || first == UInt8(ascii: "%") || first == UInt8(ascii: "\\") else { return nil }
        return end(of: value, in: text, at: start, escapesFirst: false)
            ?? end(of: value, in: text, at: start, escapesFirst: true)
    }

    private static func end(of value: [UInt8], in text: [UInt8], at start: Int, escapesFirst: Bool) -> Int? {
        var place = start
        for byte in value {
            guard place < text.count else { return nil }
            let isPlain = text[place] == byte
            if isPlain, !escapesFirst {
                place += 1
            } else if let next = afterEscape(of: byte, in: text, at: place) {
                place = next
            } else if isPlain {
                place += 1
            } else {
                return nil
            }
        }
        return place
    }

    private static func afterEscape(of byte: UInt8, in text: [UInt8], at place: Int) -> Int? {
        func hexadecimal(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= text.count else { return nil }
            return Int(String(decoding: text[range], as: UTF8.self), radix: 16)
        }
        switch text[place] {
        case UInt8(ascii: "%"):
            return hexadecimal(place + 1..<place + 3) == Int(byte) ? place + 3 : nil
        case UInt8(ascii: "+"):
            return byte == UInt8(ascii: " ") ? place + 1 : nil
        case UInt8(ascii: "\\"):
            guard place + 1 < text.count else { return nil }
            if text[place + 1] == UInt8(ascii: "u") {
                return byte < 0x80 && hexadecimal(place + 2..<place + 6) == Int(byte) ? place + 6 : nil
            }
            return text[place + 1] == byte && !isLetter(byte) ? place + 2 : nil
        default:
            return nil
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
