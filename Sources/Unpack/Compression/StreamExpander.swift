/// How far one compressed file may expand.
///
/// Beyond ``freeBytes`` the content may be at most ``ratio`` times as long as the compressed bytes read so far: logs
/// compress ten- or twentyfold, a log of one repeated line a few hundredfold, bombs a thousandfold and more.
public struct ExpansionLimits: Sendable, Equatable {
    /// The most bytes of content.
    public var bytes: UInt64
    /// Bytes of content before the ratio applies.
    public var freeBytes: UInt64
    /// The most content per compressed byte, beyond ``freeBytes``.
    public var ratio: UInt64

    /// Limits for content of at most `bytes`; a very large `ratio` leaves only that limit.
    public init(bytes: UInt64, freeBytes: UInt64 = 256 << 20, ratio: UInt64 = 500) {
        self.bytes = bytes
        self.freeBytes = freeBytes
        self.ratio = ratio
    }
}

/// How an expansion ended.
public enum ExpansionEnd: Sendable, Equatable {
    /// All content was expanded and its checksums match.
    case complete
    /// The compressed bytes end too early.
    case truncated
    /// The compressed bytes are damaged; the content before that is good as far as can be known.
    case damaged(String)
    /// A limit was reached: `bytes`, `ratio`, `memory` or, where the caller stopped it, `time`.
    case limited(String)
}

/// Expands a compressed file that arrives in pieces: any number of streams one after the other, with padding between.
///
/// Memory stays below 40 MiB whatever the file asks for. The content before any damage is delivered.
public final class StreamExpander {
    private let decompressor: any Decompressor
    private let limits: ExpansionLimits
    private let format: CompressedFormat
    private let output: UnsafeMutableRawBufferPointer
    private var consumed: UInt64 = 0
    private var end: ExpansionEnd?
    private var isBetween = false

    /// Bytes of content delivered so far.
    public private(set) var produced: UInt64 = 0

    /// An expander at the beginning of a file.
    public init(_ format: CompressedFormat, limits: ExpansionLimits) {
        self.format = format
        self.limits = limits
        decompressor = format.makeDecompressor()
        output = .allocate(byteCount: 256 << 10, alignment: 64)
    }

    deinit { output.deallocate() }

    /// Whether further pieces would be ignored.
    public var isOver: Bool { end != nil }

    /// Expands the next piece of the compressed file and passes the content to `take`, at most 256 KiB at a time.
    ///
    /// - Throws: what `take` throws.
    public func push<Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        var rest = bytes
        while end == nil {
            if isBetween {
                rest = withoutPadding(rest)
                guard !rest.isEmpty, end == nil else { return }
            }
            let step = decompressor.step(rest, into: output)
            rest = UnsafeRawBufferPointer(rebasing: rest[min(step.consumed, rest.count)...])
            consumed &+= UInt64(step.consumed)
            if step.produced > 0 { try hand(out: step.produced, take) }
            switch step.state {
            case .running:
                guard step.produced > 0 || step.consumed > 0 else {
                    if !rest.isEmpty { conclude(.damaged("the decompressor makes no progress")) }
                    return
                }
                if rest.isEmpty, step.produced < output.count { return }
            case .ended: isBetween = true
            case .damaged(let message): conclude(.damaged(message))
            case .tooLarge: conclude(.limited("memory"))
            }
        }
    }

    /// Ends the file and returns how the expansion ended.
    public func finish() -> ExpansionEnd {
        if end == nil { end = isBetween ? .complete : .truncated }
        return end ?? .complete
    }

    /// Stops the expansion, for the reason `why`.
    public func stop(_ why: String) { conclude(.limited(why)) }

    private func conclude(_ how: ExpansionEnd) {
        if end == nil { end = how }
    }

    private func hand<Failure: Error>(
        out count: Int, _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        var allowed = limits.bytes > produced ? limits.bytes - produced : 0
        var which = "bytes"
        let (scaled, overflow) = consumed.multipliedReportingOverflow(by: limits.ratio)
        let byRatio = max(limits.freeBytes, overflow ? .max : scaled)
        if byRatio < limits.bytes, byRatio <= produced &+ UInt64(count) {
            allowed = min(allowed, byRatio > produced ? byRatio - produced : 0)
            which = "ratio"
        }
        let kept = Int(min(UInt64(count), allowed))
        if kept > 0 { try take(UnsafeRawBufferPointer(rebasing: output[..<kept])) }
        produced &+= UInt64(kept)
        if kept < count { conclude(.limited(which)) }
    }

    /// Skips zeros after a stream; a byte that cannot begin another stream ends the expansion.
    private func withoutPadding(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let start = bytes.firstIndex(where: { $0 != 0 }) else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        if format.mayBegin(with: rest[0]) {
            isBetween = false
        } else {
            conclude(.complete)
        }
        return rest
    }
}
