/// An element of a session list that does not follow the API's description.
public struct DamagedEntry: Sendable, Hashable {
    /// Its position in the list, from 1.
    public var position: Int
    /// Where it begins, in bytes from the start of the list.
    public var offset: Int64
    /// The session's id, as far as it can be read, cut to 200 bytes; nil when there is none. May hold any characters.
    public var id: String?
    /// What is wrong with it, in words.
    public var reason: String
    /// True when it was repaired and kept: invalid text became U+FFFD, and invalid values are left out.
    public var wasTaken: Bool

    /// Creates a damaged entry.
    public init(position: Int, offset: Int64, id: String?, reason: String, wasTaken: Bool) {
        self.position = position
        self.offset = offset
        self.id = id
        self.reason = reason
        self.wasTaken = wasTaken
    }

    /// Longest id that is kept, in bytes.
    static let longestID = 200
}
