import Text

/// An id as one segment of a path. Session ids hold any characters.
///
/// Everything but letters, digits and `-._~` is percent-encoded. Clients and proxies remove the segments `.` and `..`, encoded
/// or not, so an id that is one of them, or that begins with `~`, gets a `~` in front.
enum PathSegment {
    /// The segment for an id.
    static func encode(_ id: String) -> String {
        let escape = id.hasSameBytes(as: ".") || id.hasSameBytes(as: "..") || id.hasBytePrefix("~")
        return (escape ? "~" : "") + Percent.encode(id)
    }

    /// The id of a segment; nil if it is not valid.
    static func decode(_ segment: some StringProtocol) -> String? {
        guard let text = Percent.decode(segment, plusIsSpace: false), !text.isEmpty else { return nil }
        return text.hasBytePrefix("~") ? String(Substring(text.utf8.dropFirst())) : text
    }
}
