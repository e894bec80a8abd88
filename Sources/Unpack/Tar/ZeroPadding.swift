internal import Glibc

/// Detects content that ends in a run of zeros and has none before: when a file shrinks while it is archived, tar fills
/// the length it has already written with zeros.
public struct ZeroPadding {
    /// The shortest run that counts, in bytes: some programs end their texts with a few zeros.
    public static let shortest: UInt64 = 64

    private var hasContent = false
    private var zeros: UInt64 = 0
    private var isOver = false

    init() {}

    /// Whether the content so far is zero-padded.
    var isPadded: Bool { !isOver && hasContent && zeros >= Self.shortest }

    /// Processes the next bytes of the content.
    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        guard !isOver, let base = bytes.baseAddress, bytes.count > 0 else { return }
        var start = 0
        if zeros == 0 {
            guard let hit = memchr(base, 0, bytes.count) else {
                hasContent = true
                return
            }
            start = base.distance(to: UnsafeRawPointer(hit))
            hasContent = hasContent || start > 0
        }
        // Each byte equal to the one before it: all are zero when the first is.
        let count = bytes.count - start
        guard bytes[start] == 0, memcmp(base + start, base + start + 1, count - 1) == 0 else {
            isOver = true
            return
        }
        zeros &+= UInt64(count)
    }

    /// Processes a hole: a file with holes was not padded, because its content was written at explicit offsets.
    mutating func takeHole() { isOver = true }
}
