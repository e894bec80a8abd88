public import Model
import Text

/// A container path with placeholders `{session} {image} {tag} {location} {label:NAME}`; `{{` and `}}` are braces.
public struct PathTemplate: Sendable, Hashable, CustomStringConvertible {
    private enum Piece: Sendable, Hashable {
        case text(String)
        case session
        case image
        case tag
        case location
        case label(String)
    }

    /// The path as written in the configuration.
    public let description: String
    private let pieces: [Piece]

    /// The placeholders a path may use, as written in the configuration.
    public static let placeholders = ["{session}", "{image}", "{tag}", "{location}", "{label:NAME}"]

    /// An invalid path.
    public struct Malformed: Error, Sendable, Equatable {
        /// The reason, worded to follow "the path".
        public var reason: String
        /// What to write instead.
        public var fix: String
    }

    /// Reads a path.
    ///
    /// - Throws: ``Malformed`` for a relative path, a NUL, an unclosed brace or an unknown placeholder.
    public init(_ text: String) throws(Malformed) {
        guard text.first == "/" else {
            throw Malformed(reason: "is not absolute", fix: "write it from the container's root, such as /game/Saved")
        }
        guard !text.utf8.contains(0) else { throw Malformed(reason: "contains a NUL character", fix: "remove it") }
        description = text
        var pieces: [Piece] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.first {
            if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
                literal.append(character)
                rest = rest.dropFirst(2)
            } else if character == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Malformed(reason: "has a '{' without a '}'", fix: "close the placeholder, or write '{{'")
                }
                if !literal.isEmpty { pieces.append(.text(literal)) }
                literal = ""
                pieces.append(try Self.placeholder(rest[rest.index(after: rest.startIndex)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                literal.append(character)
                rest = rest.dropFirst()
            }
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
    }

    private static func placeholder(_ name: Substring) throws(Malformed) -> Piece {
        switch name {
        case "session": return .session
        case "image": return .image
        case "tag": return .tag
        case "location": return .location
        default:
            if name.hasPrefix("label:"), name.count > 6 { return .label(String(name.dropFirst(6))) }
            let near = Spelling.nearest(to: String(name), among: ["session", "image", "tag", "location"])
            let fix = near.map { "did you mean {\($0)}?" } ?? "use one of \(placeholders.joined(separator: " "))"
            throw Malformed(reason: "has the unknown placeholder {\(name)}", fix: fix)
        }
    }

    /// Fills in the placeholders for one session.
    ///
    /// The values are untrusted. One that is empty, `.` or `..`, or contains a `/` or NUL would change which path is
    /// requested, so the result is then a failure with the reason.
    public func resolve(for session: SessionIdentity) -> Result<String, UnusableValue> {
        var path = ""
        for piece in pieces {
            let name: String
            let value: String?
            switch piece {
            case .text(let text):
                path += text
                continue
            case .session: (name, value) = ("session", session.id)
            case .image: (name, value) = ("image", session.image)
            case .tag: (name, value) = ("tag", session.tag)
            case .location: (name, value) = ("location", session.location)
            case .label(let key): (name, value) = ("label:\(key)", session.labels[key])
            }
            guard let value, !value.isEmpty else {
                return .failure(UnusableValue(reason: "the session has no \(name)"))
            }
            guard value != ".", value != "..", !value.utf8.contains(0x2f), !value.utf8.contains(0) else {
                return .failure(UnusableValue(reason: "the session's \(name) cannot be part of a path"))
            }
            path += value
        }
        return .success(path)
    }

    /// A placeholder whose value is missing or unsafe in a path.
    public struct UnusableValue: Error, Sendable, Equatable {
        /// The reason, as stored in the ledger.
        public var reason: String
    }
}
