extension StampCursor {
    /// Most bytes in which the bar after a container's name is searched.
    private static let longestName = 64

    /// Skips prefixes that were put before a program's line: a byte order mark, colors, a syslog priority, and the
    /// names written by compose (`mc-1 | `), pm2 (`0|arena | `) and `kubectl logs --prefix` (`[pod/mc-0/server] `).
    /// - Returns: whether anything was skipped.
    @discardableResult
    mutating func skipPrefix() -> Bool {
        let start = at
        // Terminal colors may be on both sides of a name.
        for _ in 0..<4 {
            let before = at
            while skipEscape() {}
            if left >= 3, at[0] == 0xEF, at[1] == 0xBB, at[2] == 0xBF { at += 3 }
            skipPriority()
            skipName()
            skipPod()
            if at == before { break }
        }
        return at != start
    }

    /// `ESC [ … m` and other CSI sequences.
    @inline(__always)
    mutating func skipEscape() -> Bool {
        guard left >= 3, at[0] == 0x1B, at[1] == 0x5B else { return false }
        var probe = at + 2
        let last = min(end, at + 24)
        while probe < last, probe[0] < 0x40 { probe += 1 }
        guard probe < last else { return false }
        at = probe + 1
        return true
    }

    /// `<34>` and `<34>1 ` of syslog.
    private mutating func skipPriority() {
        guard left >= 3, at[0] == 0x3C, at[1] &- 0x30 <= 9 else { return }
        var probe = at + 1
        let last = min(end, at + 5)
        while probe < last, probe[0] &- 0x30 <= 9 { probe += 1 }
        guard probe < last, probe[0] == 0x3E else { return }
        at = probe + 1
        if left > 2, at[0] == 0x31, at[1] == 0x20 { at += 2 }
    }

    private mutating func skipName() {
        guard left >= 3, Self.isNameByte(at[0]) else { return }
        var probe = at + 1
        let last = min(end, at + Self.longestName) - 1
        while probe < last {
            let byte = probe[0]
            if byte == 0x7C {
                if probe[1] == 0x20 {
                    at = probe + 2
                    return
                }
            } else if byte != 0x20, !Self.isNameByte(byte) {
                return
            }
            probe += 1
        }
    }

    @inline(__always)
    private static func isNameByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 <= 25 || byte &- 0x30 <= 9 || byte == 0x5F || byte == 0x2D || byte == 0x2E
    }

    private mutating func skipPod() {
        guard left > 7, at[0] == 0x5B, at[1] == 0x70, at[2] == 0x6F, at[3] == 0x64, at[4] == 0x2F else { return }
        var probe = at + 5
        let last = min(end, at + 160) - 1
        while probe < last, probe[0] != 0x5D { probe += 1 }
        guard probe < last, probe[1] == 0x20 else { return }
        at = probe + 2
    }
}
