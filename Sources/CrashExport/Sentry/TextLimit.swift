/// Texts from containers in the lengths that Sentry takes.
enum TextLimit {
    /// The text in at most `most` bytes of UTF-8, cut between scalars with an ellipsis. NUL, which Sentry's database does
    /// not take, becomes U+FFFD.
    static func cut(_ text: String, _ most: Int) -> String {
        let isWhole = text.utf8.count <= most
        if isWhole, !text.utf8.contains(0) { return text }
        var kept = String.UnicodeScalarView()
        var length = isWhole ? 0 : 3
        for scalar in text.unicodeScalars {
            let next: Unicode.Scalar = scalar.value == 0 ? "\u{FFFD}" : scalar
            length += UTF8.width(next)
            guard length <= most else { break }
            kept.append(next)
        }
        return String(kept) + (isWhole ? "" : "…")
    }

    /// A tag's value: one line of at most 200 characters (https://docs.sentry.io/platforms/native/enriching-events/tags/);
    /// nil if nothing is left.
    static func tag(_ text: String?) -> String? {
        guard let text else { return nil }
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(200) {
            line.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        let value = String(line)
        return value.utf8.allSatisfy { $0 == 0x20 } ? nil : value
    }

    /// A release's name: Sentry refuses slashes, line ends, tabs, and the names `.`, `..` and a space
    /// (https://docs.sentry.io/cli/releases/). An image's name often has slashes. Nil without a name.
    static func release(image: String, tag: String?) -> String? {
        let name = image.isEmpty ? tag ?? "" : image + (tag.map { "@\($0)" } ?? "")
        var plain = String.UnicodeScalarView()
        for scalar in name.unicodeScalars.prefix(200) {
            let isRefused = scalar.properties.generalCategory == .control || "/\\".unicodeScalars.contains(scalar)
            plain.append(isRefused ? "_" : scalar)
        }
        let text = String(plain)
        return text.utf8.allSatisfy({ $0 == 0x20 }) || text == "." || text == ".." ? nil : text
    }
}
