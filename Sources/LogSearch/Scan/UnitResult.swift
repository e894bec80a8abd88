internal import CLogScan

/// One printed line, or the printed matches of one line.
struct LineEvent {
    /// Its number in the member.
    let line: UInt64
    /// End offset of its text in the unit's output; it begins at the end of the previous event.
    let end: Int
    /// Whether it is selected rather than context.
    let isSelected: Bool
    /// Number of matches in it.
    let matches: UInt32
}

/// The result of scanning one unit. Output and events are in line order.
struct UnitResult {
    let unit: BlockRange
    let name: MemberName
    var output: [UInt8] = []
    /// In the common case, whole lines without context, instead of `output` and `events`.
    var plain: TextBuffer?
    var events: [LineEvent] = []
    /// Number of selected lines and of their matches; in printing modes, the events have the same information.
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
    /// Time taken, measured only when it is printed.
    var nanoseconds: UInt64 = 0

    init(unit: BlockRange, name: MemberName) {
        self.unit = unit
        self.name = name
    }
}

/// The name of one member, formatted for output.
struct MemberName: Sendable {
    /// `session:path`; escaped completely for a terminal, otherwise only if it has control characters.
    let text: [UInt8]
    /// The JSON fields `path`, `session`, `image`, `tag` and `location`, without braces.
    let json: [UInt8]

    init(_ label: SourceLabel, _ member: SearchMember, _ options: SearchOptions) {
        var text: [UInt8] = []
        if options.escape {
            TerminalText.append(label.session, to: &text)
            text.append(0x3A)
            member.path.withUnsafeBytes { TerminalText.append($0, to: &text) }
        } else {
            text = Self.plain(Array(label.session.utf8))
            text.append(0x3A)
            text += Self.plain(member.path)
        }
        self.text = text
        var json: [UInt8] = []
        if options.mode == .json {
            json += "\"path\":".utf8
            member.path.withUnsafeBytes { JSONBytes.appendData($0, to: &json) }
            for (key, value) in [
                ("session", label.session), ("image", label.image), ("tag", label.tag), ("location", label.location),
            ] {
                guard let value else { continue }
                json += ",\"\(key)\":".utf8
                JSONBytes.appendString(value, to: &json)
            }
        }
        self.json = json
    }

    /// Returns the name, escaped if it has control characters: a line feed would look like another result.
    private static func plain(_ name: [UInt8]) -> [UInt8] {
        guard name.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return name }
        var escaped: [UInt8] = []
        name.withUnsafeBytes { TerminalText.append($0, to: &escaped, tabs: false) }
        return escaped
    }
}

/// Builds text line by line in a growing buffer. Used by one thread at a time.
final class TextBuffer: @unchecked Sendable {
    // Unchecked: passed between threads together with its result.
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    init(capacity: Int) { memory = .allocate(byteCount: max(capacity, 4096), alignment: 16) }

    deinit { memory.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Appends name, number and colon, line and line feed.
    /// - Parameters:
    ///   - name: the name with its colon, or empty.
    ///   - number: 0 for none.
    @inline(__always)
    func append(_ name: UnsafeRawBufferPointer, _ number: UInt64, _ line: UnsafeRawBufferPointer) {
        let room = name.count + 21 + line.count + 1
        if memory.count - count < room { grow(room) }
        guard let base = memory.baseAddress else { return }
        count += logscan_put_line(base + count, name.baseAddress, name.count, number, line.baseAddress, line.count)
    }

    private func grow(_ room: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(memory.count * 2, count + room), alignment: 16)
        larger.copyMemory(from: bytes)
        memory.deallocate()
        memory = larger
    }
}
