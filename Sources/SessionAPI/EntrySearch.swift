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
        var probes = 0
        var index = start + 1
        var lastBrace = false
        while index < end, probes < Self.mostProbes {
            let byte = list.byte(index)
            if byte == UInt8(ascii: ","), lastBrace, opensObject(list, index + 1) {
                probes += 1
                if readsAsEntry(list, index + 1) { return index }
            }
            if !Self.isSpace(byte) { lastBrace = byte == UInt8(ascii: "}") }
            index += 1
        }
        return nil
    }

    private func opensObject(_ list: JSONCursor, _ place: Int) -> Bool {
        var index = place
        while index < list.end, Self.isSpace(list.byte(index)) { index += 1 }
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

    /// Whether another object may begin between two places of a list: a closed one, a comma, an opening brace.
    func mayHoldEntries(_ list: JSONCursor, from start: Int, upTo end: Int) -> Bool {
        var lastBrace = false
        for index in start..<end {
            let byte = list.byte(index)
            if byte == UInt8(ascii: ","), lastBrace, opensObject(list, index + 1) { return true }
            if !Self.isSpace(byte) { lastBrace = byte == UInt8(ascii: "}") }
        }
        return false
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
