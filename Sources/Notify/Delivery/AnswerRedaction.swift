import Text

/// Makes a channel's answer fit to be shown: printable, short, and without the parts of the address that are secret.
struct AnswerRedaction: Sendable {
    private let secrets: [String]

    init(address: String, secret: String?) {
        // A webhook's path is its password; a server that echoes a part of it must not put it into a log.
        let parts = address.split { "/?&=#".contains($0) }.map(String.init).filter { $0.utf8.count >= 6 }
        secrets = ([address, secret].compactMap { $0 } + parts).sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The first characters of an answer.
    func shown(_ bytes: [UInt8]) -> String {
        var text = Escape.display(bytes)
        for secret in secrets { text = text.replacing(secret, with: "[redacted]") }
        while text.last == " " { text.removeLast() }
        while text.hasSuffix("\\n") || text.hasSuffix("\\r") { text.removeLast(2) }
        return MessageCut.utf16(text, most: 300)
    }
}
