/// Applies one redaction rule to a line too long to hold in memory. Text arrives in pieces and is emitted with matches
/// replaced; the end of each window is held back until the following text is known.
///
/// A match of up to ``longestMatch`` bytes is found wherever it is. A match that reaches the end of the text so far is
/// held back until its end is known. If it exceeds ``window`` bytes, the rest of the line is dropped, because nobody
/// knows how much of it is secret. Memory is bounded by one window and two overlaps.
struct LongLineRedactor {
    /// The number of bytes searched at a time, in addition to those held back.
    static let window = 1 << 20
    /// The longest match guaranteed to be found, in bytes; also the longest lookbehind.
    static let longestMatch = 64 << 10

    /// The result of a search: none, a match, or a pattern that exceeded its step limit.
    enum Attempt {
        case none
        case match(Range<Int>)
        case givenUp
    }

    /// A piece of output.
    enum Piece {
        case text(UnsafeRawBufferPointer)
        /// Replaces a match, or the rest of the line if the match has no end.
        case replacement
        /// Replaces the rest of the line.
        case givenUp
    }

    typealias Find = (_ text: UnsafeRawBufferPointer, _ from: Int, _ isEnd: Bool) -> Attempt

    /// Text already emitted, kept for lookbehinds, followed by text held back.
    private var buffer: [UInt8] = []
    /// The number of bytes of the buffer already emitted.
    private var settled = 0
    /// Whether the rest of the line is dropped.
    private var isDropping = false

    /// Processes more of the line.
    ///
    /// - Parameters:
    ///   - bytes: the next bytes.
    ///   - find: searches for a match from an offset; `isEnd` says whether the text ends the line.
    ///   - put: receives the output.
    mutating func push(_ bytes: UnsafeRawBufferPointer, find: Find, put: (Piece) -> Void) {
        var start = 0
        while start < bytes.count, !isDropping {
            // Windows depend on the position alone, so that the result does not depend on the size of the pieces.
            let room = Self.window + Self.longestMatch - (buffer.count - settled)
            let count = min(room, bytes.count - start)
            buffer.append(contentsOf: bytes[start..<start + count])
            start += count
            if count == room { scan(isEnd: false, find, put) }
        }
    }

    /// Ends the line.
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

    /// Emits the text whose redaction is certain; returns where that ends, and whether to drop the rest of the line.
    private static func scan(
        _ text: UnsafeRawBufferPointer, from start: Int, isEnd: Bool, _ find: Find, _ put: (Piece) -> Void
    ) -> (settled: Int, drops: Bool) {
        // A match that starts after this may become longer, or no match, once more text arrives.
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
                    // Hold the match back until its end is known, unless it has filled a whole window.
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
