/// A member whose lines are found.
public struct SearchedMember: Sendable {
    /// Its session.
    public let label: SourceLabel
    /// The path as spelled in the archive: raw, untrusted bytes.
    public let path: [UInt8]
    /// Paths of other members of the session with the same bytes: what is found in one is in all of them.
    public var also: [[UInt8]]

    /// Creates a member.
    public init(label: SourceLabel, path: [UInt8], also: [[UInt8]] = []) {
        self.label = label
        self.path = path
        self.also = also
    }
}

/// One line that a search found, or adjacent lines that a match spans.
public struct FoundLine: Sendable {
    let start: UInt32
    let count: UInt32
    /// Its number in the member, from 1, of several lines that of the first; may be 0 if the renderer needs no numbers.
    public let number: UInt64
    /// How many lines it is: more than one only if the pattern may match a line feed.
    public let lines: UInt32
    private let milliseconds: Int64
    let matchesEnd: UInt32
    /// Whether it is selected rather than context.
    public let isSelected: Bool

    /// Its time in milliseconds since 1970 UTC, its own or that of the line before it; nil if the member's time format is
    /// not known or `SearchOptions.findsTimes` is not set.
    public var time: Int64? { milliseconds == .min ? nil : milliseconds }

    init(
        _ range: Range<Int>, number: UInt64, matchesEnd: Int, isSelected: Bool, lines: Int = 1, time: Int64? = nil
    ) {
        // A text is one block, or at most `MatchWindow.longestLine` and a block.
        start = UInt32(truncatingIfNeeded: range.lowerBound)
        count = UInt32(truncatingIfNeeded: range.count)
        self.number = number
        self.matchesEnd = UInt32(truncatingIfNeeded: matchesEnd)
        self.isSelected = isSelected
        self.lines = UInt32(truncatingIfNeeded: lines)
        milliseconds = time ?? .min
    }
}

/// Lines of one text, in order. Valid only during the call that passes them.
public struct FoundLines {
    /// The text that contains the lines.
    public let text: UnsafeRawBufferPointer
    /// Offset of the text in the member.
    public let offset: UInt64
    /// The lines.
    public let lines: [FoundLine]
    /// The matches of all lines, one line after the other, as offsets in their line. Empty if nobody needs them.
    let matches: [Range<Int>]

    /// The range of a line in the text, without its line feed.
    public func range(of line: FoundLine) -> Range<Int> {
        let start = Int(line.start)
        return start..<start &+ Int(line.count)
    }

    /// The bytes of a line, without its line feed.
    public func bytes(of line: FoundLine) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[range(of: line)])
    }

    /// Whether a line feed follows a line in the text.
    public func hasFeed(_ line: FoundLine) -> Bool { range(of: line).upperBound < text.count }

    /// The matches in the line at `index`, as offsets in the line.
    public func matches(at index: Int) -> ArraySlice<Range<Int>> {
        let start = index == 0 ? 0 : Int(lines[index - 1].matchesEnd)
        return matches[start..<Int(lines[index].matchesEnd)]
    }
}

/// The result of one member, once its last line is known.
public struct MemberResult: Sendable {
    /// Number of selected lines. In a search for counts, a group of lines that matches span counts as one.
    public let lines: UInt64
    /// Number of matches in them, if they were counted.
    public let matches: UInt64
    /// Offset of a NUL byte on a selected line; no lines of the member follow it.
    public let binaryOffset: UInt64?
    /// Number of bytes searched.
    public let searchedBytes: UInt64
    /// Time that threads spent on it; 0 unless `SearchOptions.measuresTime` is set.
    public let nanoseconds: UInt64
}

/// Turns the lines of a block into the form in which a sink takes them, on the threads that search the blocks.
public protocol BlockRenderer: Sendable {
    /// The lines of one block.
    associatedtype Block: Sendable
    /// Whether lines need their numbers.
    var needsNumbers: Bool { get }
    /// Whether lines need the positions of their matches.
    var needsMatches: Bool { get }
    /// Creates an empty block for lines of one member.
    /// - Parameter isWhole: whether the sink takes all of its lines at once.
    func makeBlock(_ member: SearchedMember, isWhole: Bool) -> Block
    /// Adds lines to a block, in order.
    func add(_ lines: FoundLines, to block: inout Block)
}

/// Receives the results of a search, in output order, from one thread at a time.
///
/// The calls for one member are `begin`, `take` and `gap` as often as needed, and `end`. A search for counts or names
/// calls only `end`.
public protocol SearchSink: SendableMetatype {
    /// The form in which it takes lines.
    associatedtype Renderer: BlockRenderer
    /// Used on several threads.
    var renderer: Renderer { get }
    /// Whether it takes no more results, such as when a pipe is closed; the search then stops.
    var isClosed: Bool { get }
    /// The lines of a member follow.
    mutating func begin(_ member: SearchedMember)
    /// Takes the lines of a block at these indices. Without limits and context these are all lines.
    mutating func take(_ block: Renderer.Block, _ lines: Range<Int>)
    /// The next line does not follow the previous one in the member. Only in searches with context.
    mutating func gap()
    /// A member is complete. Called only for members that are results: see `SearchOptions.members`.
    mutating func end(_ member: SearchedMember, _ result: MemberResult)
    /// The search is complete.
    mutating func finish(_ report: SearchReport)
    /// Passes on what it has buffered. Called at intervals and at the end.
    mutating func flush()
}

/// The renderer of sinks that take no lines.
public struct NoLines: BlockRenderer {
    /// Nothing.
    public struct Block: Sendable {}

    /// Creates a renderer.
    public init() {}

    /// No numbers are needed.
    public var needsNumbers: Bool { false }
    /// No matches are needed.
    public var needsMatches: Bool { false }
    /// Creates nothing.
    public func makeBlock(_ member: SearchedMember, isWhole: Bool) -> Block { Block() }
    /// Does nothing.
    public func add(_ lines: FoundLines, to block: inout Block) {}
}
