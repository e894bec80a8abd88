/// The prefix that a logger puts before every line, learnt from the line of an anchor.
struct LinePrefix {
    let pattern: [UInt8]

    var isEmpty: Bool { pattern.isEmpty }

    /// Returns the rest of a line that begins with a prefix of the same shape, else nil: digits match digits, letters
    /// match letters, all else must be equal.
    func strip(_ line: String) -> String? {
        guard !pattern.isEmpty else { return line }
        let bytes = Array(line.utf8)
        var at = 0
        var step = 0
        while step < pattern.count {
            let kind = Self.kind(pattern[step])
            let runEnd = pattern[step...].firstIndex { Self.kind($0) != kind } ?? pattern.count
            if kind == .other {
                guard at < bytes.count, bytes[at] == pattern[step] else { return nil }
                at += 1
                step += 1
                continue
            }
            let start = at
            let most = kind == .space && runEnd == pattern.count ? runEnd - step : Int.max
            while at < bytes.count, at - start < most, Self.kind(bytes[at]) == kind { at += 1 }
            if at == start {
                let padsNumber = kind == .space && runEnd < pattern.count && Self.kind(pattern[runEnd]) == .digit
                guard padsNumber || (kind == .space && at == bytes.count) else { return nil }
            }
            step = runEnd
        }
        return String(decoding: bytes[min(at, bytes.count)...], as: UTF8.self)
    }

    private enum Kind {
        case digit, letter, space, other
    }

    private static func kind(_ byte: UInt8) -> Kind {
        switch byte {
        case 0x30...0x39: .digit
        case 0x41...0x5a, 0x61...0x7a: .letter
        case 0x20, 0x09: .space
        default: .other
        }
    }
}
