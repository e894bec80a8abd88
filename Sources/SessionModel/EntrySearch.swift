import JSON

extension SessionEntryReader {
    /// Largest entry that is recognized, in bytes; bounds the work on a hostile list.
    private static let largestProbe = 64 << 10
    /// Most positions tried for one damaged entry.
    private static let mostProbes = 256

    /// Finds the next entry after a damaged one and returns the position of the comma before it. It decodes candidates
    /// instead of counting brackets and quotes, which the damage may have unbalanced: an entry is an object with an id
    /// and at least one more known field, followed by a comma or the end of the list.
    ///
    /// - Parameters:
    ///   - list: the bytes received so far.
    ///   - start: where the damaged entry begins.
    ///   - end: where to stop looking.
    /// - Returns: nil when there is none in these bytes.
    mutating func nextEntry(in list: JSONCursor, from start: Int, upTo end: Int) -> Int? {
        var index = start + 1
        for _ in 0..<Self.mostProbes {
            guard let comma = Self.nextObject(in: list, from: index, upTo: end) else { return nil }
            if readsAsEntry(list, comma + 1) { return comma }
            index = comma + 1
        }
        return nil
    }

    /// The position of the next comma between a closing and an opening brace, where a new object may begin.
    static func nextObject(in list: JSONCursor, from start: Int, upTo end: Int) -> Int? {
        var lastBrace = false
        for index in start..<max(start, end) {
            let byte = list.byte(index)
            if byte == UInt8(ascii: ","), lastBrace, opensObject(list, index + 1) { return index }
            if !isSpace(byte) { lastBrace = byte == UInt8(ascii: "}") }
        }
        return nil
    }

    private static func opensObject(_ list: JSONCursor, _ place: Int) -> Bool {
        var index = place
        while index < list.end, isSpace(list.byte(index)) { index += 1 }
        return index < list.end && list.byte(index) == UInt8(ascii: "{")
    }

    private mutating func readsAsEntry(_ list: JSONCursor, _ place: Int) -> Bool {
        let length = min(list.end - place, Self.largestProbe)
        let candidate = UnsafeRawBufferPointer(start: list.base + place, count: length)
        var probe = JSONCursor(candidate, acceptsTrailingComma: true)
        do throws(JSONFault) {
            guard let entry = try read(&probe, depth: 2), Self.isTold(entry) else { return false }
            let next = try probe.token()
            return next == UInt8(ascii: ",") || next == UInt8(ascii: "]")
        } catch {
            return false
        }
    }

    /// Whether the entry has more than an id, which any object may have.
    private static func isTold(_ entry: SessionEntry) -> Bool {
        entry.status != nil || entry.created != nil || !entry.image.isEmpty || !entry.location.isEmpty
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
