/// One thing that is wrong with a pack.
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
        /// A filter; searches then look into its block.
        case filter
        /// Bytes that belong to nothing, or a frame header that is not what was written.
        case layout
        /// No damage: something of it cannot be read now, for this machine's reasons, and nothing follows for what it holds.
        case unreadable
    }

    /// What is damaged.
    public var part: Part
    /// What was found, in a sentence.
    public var message: String
    /// Byte offset in the file, where it is known.
    public var offset: UInt64?
    /// Index of the block concerned.
    public var block: Int?
    /// Indices of the members concerned.
    public var members: [Int]

    /// A damage with its facts.
    public init(_ part: Part, _ message: String, offset: UInt64? = nil, block: Int? = nil, members: [Int] = []) {
        self.part = part
        self.message = message
        self.offset = offset
        self.block = block
        self.members = members
    }

    /// What an error says of a part of the pack: that it is damaged, or only that it cannot be read now.
    init(_ part: Part, _ error: PackError, block: Int? = nil, members: [Int] = []) {
        self.init(
            error.isLocalFault ? .unreadable : part, error.isLocalFault ? error.message : error.description,
            offset: error.offset, block: block, members: members)
    }

    /// One line: part, message and where.
    public var description: String {
        var text = "\(part.rawValue): \(message)"
        if let block { text += ", block \(block)" }
        if let offset { text += " at byte \(offset)" }
        return text
    }
}
