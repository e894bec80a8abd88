import Text

/// A container path with placeholders: `{session} {image} {tag} {location} {label:NAME}`; `{{` and `}}` are braces.
public struct PathTemplate: Sendable, Hashable, CustomStringConvertible {
    private enum Piece: Sendable, Hashable {
        case text(String)
        case session
        case image
        case tag
        case location
        case label(String)
    }

    /// The path as it was written.
    public let description: String
    private let pieces: [Piece]

    /// The placeholders a path may use, as the configuration writes them.
    public static let placeholders = ["{session}", "{image}", "{tag}", "{location}", "{label:NAME}"]

    /// Why a path cannot be read.
    public struct Malformed: Error, Sendable, Equatable {
        /// The reason, fit to follow "the path".
        public var reason: String
        /// What to write instead.
        public var fix: String
    }

    /// Reads a path.
    ///
    /// - Throws: ``Malformed`` for a path that is not absolute, an unclosed brace or an unknown placeholder.
    public init(_ text: String) throws(Malformed) {
        guard text.first == "/" else {
            throw Malformed(reason: "is not absolute", fix: "write it from the container's root, such as /game/Saved")
        }
        guard !text.utf8.contains(0) else { throw Malformed(reason: "holds a NUL character", fix: "remove it") }
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
                    throw Malformed(reason: "has a '{' without its '}'", fix: "close the placeholder, or write '{{'")
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

    /// Fills the placeholders in for one session.
    ///
    /// Values come from outside. One that is empty, `.` or `..`, or holds a `/` or NUL would change which path is
    /// asked for, so such a session has no path here; the reason is returned instead.
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
                return .failure(UnusableValue(reason: "the session's \(name) cannot stand in a path"))
            }
            path += value
        }
        return .success(path)
    }

    /// Why a placeholder has no value for a session.
    public struct UnusableValue: Error, Sendable, Equatable {
        /// The reason, as the ledger keeps it.
        public var reason: String
    }
}
