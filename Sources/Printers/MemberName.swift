import JSON
internal import LogSearch
import Model
import Text

/// The name of a member as it is printed.
enum MemberName {
    /// `session:path`.
    /// - Parameters:
    ///   - path: another path than the member's own.
    ///   - options: with `escape`, all that could harm a terminal is escaped. Without it, control characters are: a
    ///     line feed would look like another result.
    ///   - location: whether the session's location follows its id, in brackets.
    static func text(
        _ member: SearchedMember, path: [UInt8]? = nil, _ options: PrintOptions, location: Bool = false
    ) -> [UInt8] {
        var text = plain(Array(member.label.session.utf8), options)
        if location, let location = member.label.location {
            text += [0x5B] + plain(Array(location.utf8), options) + [0x5D]
        }
        text.append(0x3A)
        return text + plain(path ?? member.path, options)
    }

    /// ` (also: path, path)`, for a heading; empty if no other member has the same bytes.
    static func also(_ member: SearchedMember, _ options: PrintOptions) -> [UInt8] {
        guard !member.also.isEmpty else { return [] }
        var text = Array(" (also: ".utf8)
        for (index, path) in member.also.enumerated() {
            if index > 0 { text += [0x2C, 0x20] }
            text += plain(path, options)
        }
        text.append(0x29)
        return text
    }

    private static func plain(_ name: [UInt8], _ options: PrintOptions) -> [UInt8] {
        if options.escape {
            var text: [UInt8] = []
            name.withUnsafeBytes {
                Escape.append($0, to: &text, keeping: .tabs, asciiOnly: options.asciiOnly)
            }
            return text
        }
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

    /// The JSON field `also` with its comma, an array of the other paths; empty if there are none.
    static func alsoJSON(_ member: SearchedMember) -> [UInt8] {
        guard !member.also.isEmpty else { return [] }
        var json = Array(",\"also\":[".utf8)
        for (index, path) in member.also.enumerated() {
            if index > 0 { json.append(0x2C) }
            JSONString.append(Escape.path(path), to: &json)
        }
        json.append(0x5D)
        return json
    }
}
