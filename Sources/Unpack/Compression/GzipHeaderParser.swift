/// Skips the header of a gzip member (RFC 1952, section 2.3), which may arrive in any number of pieces.
///
/// Nothing in a header is needed: name, comment, time and extra field are skipped, whatever their length. So is the
/// header's own optional checksum, because nothing it protects is used.
struct GzipHeaderParser {
    enum Result: Equatable {
        case more
        case done
        case damaged(String)
    }

    private enum Part {
        case fixed
        case extraLength
        case extra
        case name
        case comment
        case checksum
        case done
    }

    private var part = Part.fixed
    /// Bytes seen of the current part.
    private var seen = 0
    private var flags: UInt8 = 0
    private var extraLength = 0

    /// Takes bytes of the header; returns how many of them belong to it.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> (used: Int, result: Result) {
        var used = 0
        while part != .done {
            guard used < bytes.count else { return (used, .more) }
            let byte = bytes[used]
            used += 1
            if let problem = take(byte) { return (used, .damaged(problem)) }
        }
        return (used, .done)
    }

    private mutating func take(_ byte: UInt8) -> String? {
        seen += 1
        switch part {
        case .fixed: return takeFixed(byte)
        case .extraLength:
            extraLength |= Int(byte) << (8 * (seen - 1))
            if seen == 2 { enter(extraLength > 0 ? .extra : after(.extra)) }
        case .extra: if seen == extraLength { enter(after(.extra)) }
        case .name: if byte == 0 { enter(after(.name)) }
        case .comment: if byte == 0 { enter(after(.comment)) }
        case .checksum: if seen == 2 { enter(.done) }
        case .done: break
        }
        return nil
    }

    private mutating func takeFixed(_ byte: UInt8) -> String? {
        switch seen {
        case 1: if byte != 0x1f { return "not a gzip header" }
        case 2: if byte != 0x8b { return "not a gzip header" }
        case 3: if byte != 8 { return "unknown gzip compression method \(byte)" }
        case 4:
            // Reserved bits announce fields that we could not skip.
            if byte & 0xe0 != 0 { return "unknown gzip header flags" }
            flags = byte
        case 10: enter(flags & 4 != 0 ? .extraLength : after(.extra))
        default: break
        }
        return nil
    }

    private mutating func enter(_ next: Part) {
        part = next
        seen = 0
    }

    private func after(_ part: Part) -> Part {
        if part == .extra, flags & 8 != 0 { return .name }
        if part == .extra || part == .name, flags & 16 != 0 { return .comment }
        return flags & 2 != 0 ? .checksum : .done
    }
}
