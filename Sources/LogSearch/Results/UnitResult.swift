import Model

/// One line of a block, for limits and context.
struct LineEvent {
    /// Its number in the member.
    let line: UInt64
    /// The number of the last of its lines.
    let lastLine: UInt64
    /// Whether it is selected rather than context.
    let isSelected: Bool
    /// Number of matches in it.
    let matches: UInt32
}

/// The result of scanning one unit.
struct UnitResult<Block: Sendable>: Sendable {
    let unit: BlockRange
    let member: SearchedMember
    /// The lines in the sink's form; nil if there are none.
    var block: Block?
    /// Number of lines in `block`.
    var lineCount = 0
    /// One for each line in `block` if the merger has to choose among them, else empty.
    var events: [LineEvent] = []
    /// Number of selected lines and of their matches.
    var selected: UInt64 = 0
    var matches: UInt64 = 0
    /// Number of the unit's own last line. Events after it are context, which the next unit may show to be selected
    /// lines.
    var lastLine: UInt64 = 0
    /// Offset in the member of a NUL byte on a selected line, which ends output for a binary member.
    var binaryOffset: UInt64?
    var problems: [String] = []
    var decodedBlocks = 0
    var decodedBytes: UInt64 = 0
    var nanoseconds: UInt64 = 0

    init(unit: BlockRange, member: SearchedMember) {
        self.unit = unit
        self.member = member
    }
}

extension SearchedMember {
    /// `session:path` for messages.
    var name: String { "\(label.session):\(String(decoding: path, as: UTF8.self))" }
}
