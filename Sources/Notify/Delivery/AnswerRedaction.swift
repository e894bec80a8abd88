import Text

/// Makes a channel's answer fit to be shown: printable, short, and without the parts of the address that are secret.
package struct AnswerRedaction: Sendable {
    private let secrets: [String]
    /// The fewest characters of a secret that are recognized. What is shorter is no secret.
    private static let least = 6

    /// - Parameters:
    ///   - address: the whole address; each of its parts is secret.
    ///   - secret: another secret, if there is one.
    package init(address: String, secret: String?) {
        // A webhook's path is its password; a server that echoes a part of it must not put it into a log.
        let rest = address.firstRange(of: "://").map { address[$0.upperBound...] } ?? address[...]
        let parts = rest.split { "/?&=#".contains($0) }.map(String.init)
        secrets = ([address, String(rest), secret].compactMap(\.self) + parts).filter { $0.utf8.count >= Self.least }
            .sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The first characters of an answer.
    package func shown(_ bytes: [UInt8]) -> String {
        var text = Escape.display(bytes)
        for secret in secrets { text = Self.redacted(text, secret) }
        while text.last == " " { text.removeLast() }
        while text.hasSuffix("\\n") || text.hasSuffix("\\r") { text.removeLast(2) }
        return MessageCut.utf16(text, most: 300)
    }

    /// The text without a secret, and without the beginning of one: an answer may cut it off.
    private static func redacted(_ text: String, _ secret: String) -> String {
        var text = text.replacing(secret, with: "[redacted]")
        // The beginning of an address is no secret.
        guard !secret.contains("/") else { return text }
        var from = text.startIndex
        let beginning = secret.prefix(least)
        while let found = text[from...].firstRange(of: beginning) {
            let common = zip(text[found.lowerBound...], secret).prefix { $0 == $1 }.count
            let end = text.index(found.lowerBound, offsetBy: common)
            let offset = text.distance(from: text.startIndex, to: found.lowerBound)
            text.replaceSubrange(found.lowerBound..<end, with: "[redacted]")
            from = text.index(text.startIndex, offsetBy: offset + "[redacted]".count)
        }
        return text
    }
}
