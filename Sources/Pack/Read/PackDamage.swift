/// One defect of a pack.
public struct PackDamage: Sendable, Equatable, CustomStringConvertible {
    /// What is damaged.
    public enum Part: String, Sendable {
        /// The file as a whole: no trailer, no directory, another version.
        case file
        /// A section of the footer.
        case section
        /// A block's frame.
        case block
        /// A member's content does not match its hash.
        case member
        /// A filter; searches then decode its block.
        case filter
        /// Bytes that belong to no frame, or a wrong frame header.
        case layout
        /// Not damage: a part cannot be read now because of a local fault, which says nothing about its content.
        case unreadable
    }

    /// What is damaged.
    public var part: Part
    /// What was found.
    public var message: String
    /// Byte offset in the file, when known.
    public var offset: UInt64?
    /// Index of the affected block.
    public var block: Int?
    /// Indices of the affected members.
    public var members: [Int]

    /// Creates a description of damage.
    public init(_ part: Part, _ message: String, offset: UInt64? = nil, block: Int? = nil, members: [Int] = []) {
        self.part = part
        self.message = message
        self.offset = offset
        self.block = block
        self.members = members
    }

    /// Creates the damage that an error means for a part of the pack; a local fault becomes `unreadable`.
    init(_ part: Part, _ error: PackError, block: Int? = nil, members: [Int] = []) {
        self.init(
            error.isLocalFault ? .unreadable : part, error.isLocalFault ? error.message : error.description,
            offset: error.offset, block: block, members: members)
    }

    /// One line: part, message, block and offset.
    public var description: String {
        var text = "\(part.rawValue): \(message)"
        if let block { text += ", block \(block)" }
        if let offset { text += " at byte \(offset)" }
        return text
    }
}
