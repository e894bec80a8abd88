/// An element of a session list that is not as the API documents it.
public struct DamagedEntry: Sendable, Hashable {
    /// Its place among the list's elements, from 1.
    public var position: Int
    /// Where it begins, in bytes from the beginning of the list.
    public var offset: Int64
    /// Its session's id, as far as it can be read and cut to 200 bytes; nil when there is none. Any characters.
    public var id: String?
    /// What is wrong with it, in words.
    public var reason: String
    /// True when it was taken all the same: with U+FFFD in place of what is not text and without what is not a value.
    public var wasTaken: Bool

    /// An element by what is known of it.
    public init(position: Int, offset: Int64, id: String?, reason: String, wasTaken: Bool) {
        self.position = position
        self.offset = offset
        self.id = id
        self.reason = reason
        self.wasTaken = wasTaken
    }

    /// Longest id that is kept of it, in bytes.
    static let longestID = 200
}
