import Catalog
import Model
import Terminal
import Text

/// A member's path as a person gives it: its bytes, or the printable form in which paths are shown.
public struct MemberPath: Sendable {
    /// The path as text.
    public let text: String
    /// The bytes as they were given.
    public let typed: [UInt8]
    /// The path whose printable form was given; nil if the text is not a printable form or is the path itself.
    public let printed: [UInt8]?

    /// Reads a path.
    ///
    /// - Parameters:
    ///   - text: the path as text, in which bytes that are not UTF-8 may be replaced.
    ///   - bytes: the original bytes, if they are known.
    public init(_ text: String, bytes: [UInt8]? = nil) {
        self.text = text
        typed = bytes ?? Array(text.utf8)
        let path = Escape.path(of: text)
        printed = path == typed ? nil : path
    }

    /// Whether this is the bytes or the printable form of `path`.
    public func names(_ path: [UInt8]) -> Bool { path == typed || path == printed }
}

/// The member that a path names.
public struct MemberMatch: Sendable, Equatable {
    /// Its index in the pack.
    public let index: Int
    /// Whether the path of another member also displays as the text that was given.
    public let anotherDisplaysAlike: Bool

    init(index: Int, anotherDisplaysAlike: Bool = false) {
        self.index = index
        self.anotherDisplaysAlike = anotherDisplaysAlike
    }
}

/// Matches paths by a glob, or one path by its bytes or its printable form.
public struct MemberGlob: Sendable {
    private let glob: Glob
    private let path: MemberPath

    /// Reads a glob.
    public init(_ path: MemberPath) {
        glob = Glob(path.text, separator: "/")
        self.path = path
    }

    /// Whether the glob selects a member with this path.
    public func matches(_ member: [UInt8]) -> Bool {
        path.names(member) || glob.matches(member)
    }
}
