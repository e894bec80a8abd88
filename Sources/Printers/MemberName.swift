import JSON
internal import LogSearch
import Model
import Text

/// The name of a member as it is printed.
enum MemberName {
    /// `session:path`.
    /// - Parameter escapes: whether all that could harm a terminal is escaped. Without it, control characters are: a line
    ///   feed would look like another result.
    static func text(_ member: SearchedMember, escapes: Bool) -> [UInt8] {
        var text: [UInt8] = []
        if escapes {
            Array(member.label.session.utf8).withUnsafeBytes { Escape.append($0, to: &text, keeping: .tabs) }
            text.append(0x3A)
            member.path.withUnsafeBytes { Escape.append($0, to: &text, keeping: .tabs) }
        } else {
            text = plain(Array(member.label.session.utf8))
            text.append(0x3A)
            text += plain(member.path)
        }
        return text
    }

    private static func plain(_ name: [UInt8]) -> [UInt8] {
        guard name.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return name }
        var escaped: [UInt8] = []
        name.withUnsafeBytes { Escape.append($0, to: &escaped) }
        return escaped
    }

    /// The JSON fields `path`, `session`, `image`, `tag` and `location`, without braces.
    static func json(_ member: SearchedMember) -> [UInt8] {
        var json: [UInt8] = []
        json += "\"path\":".utf8
        member.path.withUnsafeBytes { JSONBytes.appendData($0, to: &json) }
        let label = member.label
        for (key, value) in [
            ("session", label.session), ("image", label.image.isEmpty ? nil : label.image), ("tag", label.tag),
            ("location", label.location),
        ] {
            guard let value else { continue }
            json += ",\"\(key)\":".utf8
            JSONString.append(value, to: &json)
        }
        return json
    }
}
