/// Applies one redaction rule to a line too long to be held whole: text comes in pieces and goes out with matches
/// replaced, the end of each window held back until what follows is known.
///
/// A match of up to ``longestMatch`` bytes is found wherever it lies. One that reaches the end of what has arrived is held
/// back until its own end is known, or, beyond ``window`` bytes, ends the line: the rest of it is dropped, because nobody
/// knows how much of it is secret. Memory is bounded by one window and two overlaps.
struct LongLineRedactor {
    /// Bytes in which matches are looked for at a time, beyond what is held back.
    static let window = 1 << 20
    /// Longest match that is found for certain, in bytes; also how far back a pattern can look.
    static let longestMatch = 64 << 10

    /// A match in a text, or none, or a pattern that does not come to an end.
    enum Attempt {
        case none
        case match(Range<Int>)
        case givenUp
    }

    /// What goes out.
    enum Piece {
        case text(UnsafeRawBufferPointer)
        /// In place of a match, and of the rest of the line when the match has no end.
        case replacement
        /// In place of the rest of the line.
        case givenUp
    }

    typealias Find = (_ text: UnsafeRawBufferPointer, _ from: Int, _ isEnd: Bool) -> Attempt

    /// What has arrived and is not let go yet: text that went out already, for patterns that look back, then the rest.
    private var buffer: [UInt8] = []
    /// How much of the buffer went out.
    private var settled = 0
    /// The rest of the line is dropped.
    private var isDropping = false

    /// Takes in more of the line.
    /// - Parameters:
    ///   - bytes: the next bytes.
    ///   - find: looks for a match from a place on; `isEnd` says whether the text ends the line.
    ///   - put: takes what goes out.
    mutating func push(_ bytes: UnsafeRawBufferPointer, find: Find, put: (Piece) -> Void) {
        var start = 0
        while start < bytes.count, !isDropping {
            // Windows are cut by position alone, so that the result does not depend on the pieces.
            let room = Self.window + Self.longestMatch - (buffer.count - settled)
            let count = min(room, bytes.count - start)
            buffer.append(contentsOf: bytes[start..<start + count])
            start += count
            if count == room { scan(isEnd: false, find, put) }
        }
    }

    /// Tells that the line ended.
    mutating func finish(find: Find, put: (Piece) -> Void) {
        if !isDropping { scan(isEnd: true, find, put) }
        buffer.removeAll(keepingCapacity: true)
        settled = 0
        isDropping = false
    }

    private mutating func scan(isEnd: Bool, _ find: Find, _ put: (Piece) -> Void) {
        let start = settled
        let (done, drops) = buffer.withUnsafeBytes { text in
            Self.scan(text, from: start, isEnd: isEnd, find, put)
        }
        settled = done
        isDropping = drops
        let unneeded = drops ? buffer.count : settled - Self.longestMatch
        if unneeded > 0 {
            buffer.removeFirst(unneeded)
            settled = max(0, settled - unneeded)
        }
    }

    /// Puts out what is certain; returns up to where, and whether the rest of the line is to be dropped.
    private static func scan(
        _ text: UnsafeRawBufferPointer, from start: Int, isEnd: Bool, _ find: Find, _ put: (Piece) -> Void
    ) -> (settled: Int, drops: Bool) {
        // A match that begins behind this may be a longer one, or none, once more has arrived.
        let limit = isEnd ? text.count : text.count - longestMatch
        var kept = start
        var from = start
        func keep(to end: Int) {
            if end > kept { put(.text(UnsafeRawBufferPointer(rebasing: text[kept..<end]))) }
            kept = max(kept, end)
        }
        while from <= text.count {
            switch find(text, from, isEnd) {
            case .none:
                keep(to: limit)
                return (kept, false)
            case .givenUp:
                put(.givenUp)
                return (text.count, true)
            case .match(let range):
                let begin = max(kept, range.lowerBound)
                if !isEnd, begin >= limit || range.upperBound == text.count {
                    // It waits for its end, unless it has waited through a whole window.
                    let stop = min(begin, limit)
                    keep(to: stop)
                    guard stop == start, stop < limit else { return (kept, false) }
                    put(.replacement)
                    return (text.count, true)
                }
                guard range.upperBound > begin else {
                    from = max(range.upperBound, from) + 1
                    continue
                }
                keep(to: begin)
                put(.replacement)
                kept = range.upperBound
                from = kept
            }
        }
        keep(to: limit)
        return (kept, false)
    }
}
