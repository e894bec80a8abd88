/// How far one compressed file may be expanded.
///
/// Beyond ``freeBytes`` the content may be at most ``ratio`` times as long as the compressed bytes read so far: logs
/// shrink ten or twenty times, a log of one repeated line a few hundred times, bombs a thousand times and more.
public struct ExpansionLimits: Sendable, Equatable {
    /// Bytes of content at most.
    public var bytes: UInt64
    /// Bytes of content for which the ratio does not count.
    public var freeBytes: UInt64
    /// Content for each compressed byte, once there is more than ``freeBytes`` of it.
    public var ratio: UInt64

    /// Limits for content of at most `bytes`; a large `ratio` leaves only that.
    public init(bytes: UInt64, freeBytes: UInt64 = 256 << 20, ratio: UInt64 = 500) {
        self.bytes = bytes
        self.freeBytes = freeBytes
        self.ratio = ratio
    }
}

/// How an expansion ended.
public enum ExpansionEnd: Sendable, Equatable {
    /// All of it is there, and its checksums are right.
    case complete
    /// The compressed bytes end too early.
    case truncated
    /// The compressed bytes are damaged; what came before is good as far as it can be known.
    case damaged(String)
    /// A limit was reached: `bytes`, `ratio`, `memory` or, where the caller stopped it, `time`.
    case limited(String)
}

/// Expands a compressed file that arrives in pieces: any number of streams one after the other, with padding between.
///
/// Memory stays below 40 MiB whatever the file asks for, and what a damaged file holds up to the damage is handed out.
public final class StreamExpander {
    private let decompressor: any Decompressor
    private let limits: ExpansionLimits
    private let format: CompressedFormat
    private let output: UnsafeMutableRawBufferPointer
    private var consumed: UInt64 = 0
    private var end: ExpansionEnd?
    private var isBetween = false

    /// Bytes handed out so far.
    public private(set) var produced: UInt64 = 0

    /// An expander at the beginning of a file.
    public init(_ format: CompressedFormat, limits: ExpansionLimits) {
        self.format = format
        self.limits = limits
        decompressor = format.makeDecompressor()
        output = .allocate(byteCount: 256 << 10, alignment: 64)
    }

    deinit { output.deallocate() }

    /// Whether further pieces would be passed over.
    public var isOver: Bool { end != nil }

    /// Takes the next piece of the compressed file and hands out what it expands to, at most 256 KiB at a time.
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

    /// Tells that the file has ended, and how the expansion did.
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

    /// Steps over zeros behind a stream; what is neither zero nor the beginning of another stream is not looked at.
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
