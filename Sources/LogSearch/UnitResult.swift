internal import CLogScan

/// One printed line, or the printed matches of one line.
struct LineEvent {
    /// Its number in the member.
    let line: UInt64
    /// Where its text ends in the unit's output; it begins where the one before ends.
    let end: Int
    /// Selected, not context.
    let isSelected: Bool
    /// Matches within it.
    let matches: UInt32
}

/// What came of scanning one unit. Output and events are in the order of lines.
struct UnitResult {
    let unit: ScanUnit
    let name: MemberName
    var output: [UInt8] = []
    /// Whole lines without context instead of `output` and `events`, the common case.
    var plain: TextBuffer?
    var events: [LineEvent] = []
    /// Selected lines and their matches; in the printing modes the events say the same.
    var selected: UInt64 = 0
    var matches: UInt64 = 0
    /// Number of the last line of the unit itself; events beyond it are context that the next unit may know better.
    var lastLine: UInt64 = 0
    /// Offset in the member of a NUL byte on a selected line: nothing of a binary member is printed.
    var binaryOffset: UInt64?
    var problems: [String] = []
    var decodedBlocks = 0
    var decodedBytes: UInt64 = 0
    /// Time it took, where it is printed.
    var nanoseconds: UInt64 = 0

    init(unit: ScanUnit, name: MemberName) {
        self.unit = unit
        self.name = name
    }
}

/// The names of one member, ready to print.
struct MemberName: Sendable {
    /// `session:path`, escaped where the output is a terminal.
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

    /// A name as it is, unless it has a control character: a line feed in it would look like another result.
    private static func plain(_ name: [UInt8]) -> [UInt8] {
        guard name.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return name }
        var escaped: [UInt8] = []
        name.withUnsafeBytes { TerminalText.append($0, to: &escaped, tabs: false) }
        return escaped
    }
}

/// Text being put together line by line, in memory that only grows. Used by one thread at a time.
final class TextBuffer: @unchecked Sendable {
    // Unchecked: handed over with the result it belongs to.
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    init(capacity: Int) { memory = .allocate(byteCount: max(capacity, 4096), alignment: 16) }

    deinit { memory.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Appends name, number and line, each of the first two with a colon behind it where it is there.
    /// - Parameters:
    ///   - name: with its colon.
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
