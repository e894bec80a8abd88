extension SessionEntryReader {
    /// Entries that are larger are not recognised; it bounds the work on a hostile list.
    private static let largestProbe = 64 << 10
    /// Places that are tried for one damaged entry.
    private static let mostProbes = 256

    /// Where, behind a damaged entry, the next one is: the place of the comma before it. Found by reading, not by brackets
    /// and quotes, which the damage may have turned around: an object with an id and more, followed by a comma or by
    /// the end of the list.
    ///
    /// - Parameters:
    ///   - list: the bytes at hand.
    ///   - start: where the damaged entry begins.
    ///   - end: where to stop looking.
    /// - Returns: nil where there is none in these bytes.
    mutating func nextEntry(in list: JSONCursor, from start: Int, upTo end: Int) -> Int? {
        var index = start + 1
        for _ in 0..<Self.mostProbes {
            guard let comma = Self.nextObject(in: list, from: index, upTo: end) else { return nil }
            if readsAsEntry(list, comma + 1) { return comma }
            index = comma + 1
        }
        return nil
    }

    /// The comma before the next object that may begin between two places of a list: behind a closing brace, before an
    /// opening one.
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
        var probe = JSONCursor(UnsafeRawBufferPointer(start: list.base + place, count: length))
        do throws(JSONFault) {
            guard let entry = try read(&probe, depth: 2), Self.isTold(entry) else { return false }
            let next = try probe.token()
            return next == UInt8(ascii: ",") || next == UInt8(ascii: "]")
        } catch {
            return false
        }
    }

    /// Whether more is said than an id, which any object may have.
    private static func isTold(_ entry: SessionEntry) -> Bool {
        entry.status != nil || entry.created != nil || !entry.image.isEmpty || !entry.location.isEmpty
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
