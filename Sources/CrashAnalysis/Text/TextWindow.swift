import Glibc

/// Lines of a member around an offset, cleaned of colours, carriage returns, Docker's JSON and the supervisor's prefix.
/// A line is cleaned on first use, because most windows have only a few lines read. Not safe for several threads.
final class TextWindow {
    static let before = 8192
    /// Enough for most reports, and cheap if an anchor turns out to be no report.
    static let near = 32 << 10
    /// For the reports of hundreds of goroutines or threads.
    static let far = 512 << 10
    static let longestLine = 8192
    static let lineLimit = 16_384

    /// Byte offset of each line in the member.
    let offsets: [UInt64]
    /// Index of the line that contains the requested offset.
    let at: Int
    /// True if the last line is the last of the member.
    let reachesEnd: Bool

    private let bytes: [UInt8]
    private let ranges: [Range<Int>]
    private let supervisor: Supervisor
    private var texts: [String?]
    private var foreign: [Bool]

    var count: Int { ranges.count }

    /// Loads the lines around `offset`; nil if nothing can be read there.
    convenience init?(_ source: any ByteSource, around offset: UInt64, after: Int, supervisor: Supervisor) {
        self.init(
            source, from: offset > UInt64(Self.before) ? offset - UInt64(Self.before) : 0, place: offset, after: after,
            supervisor: supervisor)
    }

    /// Loads lines from `start`, without a partial first one, up to `after` bytes past `place`.
    init?(_ source: any ByteSource, from start: UInt64, place: UInt64, after: Int, supervisor: Supervisor) {
        let bytes = source.bytes(at: start, count: Int(place - start) + after)
        guard UInt64(bytes.count) > place - start else { return nil }
        var offsets: [UInt64] = []
        var ranges: [Range<Int>] = []
        var at = 0
        var position = 0
        if start > 0, start < place { position = (Self.newline(bytes, from: 0) ?? -1) + 1 }
        if UInt64(position) > place - start { position = 0 }
        while position < bytes.count, ranges.count < Self.lineLimit {
            let end = Self.newline(bytes, from: position) ?? bytes.count
            if UInt64(position) <= place - start { at = ranges.count }
            offsets.append(start + UInt64(position))
            ranges.append(position..<min(end, position + Self.longestLine))
            position = end + 1
        }
        guard !ranges.isEmpty else { return nil }
        self.bytes = bytes
        self.offsets = offsets
        self.ranges = ranges
        self.at = at
        self.supervisor = supervisor
        texts = Array(repeating: nil, count: ranges.count)
        foreign = Array(repeating: false, count: ranges.count)
        reachesEnd = start + UInt64(bytes.count) >= source.size && position >= bytes.count
    }

    /// The line as the program wrote it.
    func text(_ index: Int) -> String {
        guard ranges.indices.contains(index) else { return "" }
        if let text = texts[index] { return text }
        let line = supervisor.strip(TextCleaner.clean(bytes[ranges[index]]))
        let text = String(decoding: line.text, as: UTF8.self)
        texts[index] = text
        foreign[index] = line.isItsOwn
        return text
    }

    /// The bytes of a line as stored in the member.
    func withRaw<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result?) -> Result? {
        guard ranges.indices.contains(index) else { return nil }
        return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[ranges[index]])) }
    }

    /// True if the supervisor wrote the line rather than the program.
    func isSupervisors(_ index: Int) -> Bool {
        _ = text(index)
        return foreign.indices.contains(index) && foreign[index]
    }

    /// Byte offset of a line in the member; for the index past the last, the end of the window.
    func offset(_ index: Int) -> UInt64 {
        if offsets.indices.contains(index) { return offsets[index] }
        return (offsets.first ?? 0) + UInt64(bytes.count) - UInt64(ranges.first?.lowerBound ?? 0)
    }

    private static func newline(_ bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress, start < all.count,
                let found = memchr(base + start, 0x0a, all.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
