import Model

/// Sits between the inflated bytes and libarchive: counts bytes, enforces limits and watches for zero blocks.
///
/// libarchive does not report whether the end-of-archive blocks were there, does not bound the cost of a header, and
/// hides the raw bytes of names. The gate sees every byte that libarchive sees and handles all three.
final class TarStreamGuard {
    private let stream: any TarStream
    private let limits: UnpackLimits

    /// The piece handed out last, and the offset of its first byte in the tar stream.
    private var piece = UnsafeRawBufferPointer(start: nil, count: 0)
    private var writablePiece = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var pieceStart: UInt64 = 0
    /// The offset in the tar stream at which a new reader starts; an earlier reader got the bytes of ``piece`` before
    /// it.
    private var resumeAt: UInt64?

    /// Whether the stream has no more bytes, because it ended or because of a limit.
    private(set) var exhausted = false
    /// The limit that ended the stream.
    private(set) var limit: UnpackLimit?

    // While a header is read:
    private var inHeader = false
    private var headerStart: UInt64 = 0
    /// Whole zero blocks at the start of the header phase.
    private(set) var zeroBlocks: UInt64 = 0
    private var zerosOver = false
    private var newlines: UInt64 = 0
    private var mapExtents: UInt64 = 0
    private var captured: [UInt8] = []
    private var chain: HeaderChain?

    init(stream: any TarStream, limits: UnpackLimits) {
        self.stream = stream
        self.limits = limits
    }

    /// Offset after the last byte handed out.
    var pieceEnd: UInt64 { pieceStart &+ UInt64(piece.count) }

    /// How the stream ended.
    var end: StreamEnd { stream.end }

    /// Returns the next piece for libarchive; nil when a limit forbids it, empty at the end.
    func next() -> UnsafeRawBufferPointer? {
        if let offset = resumeAt {
            resumeAt = nil
            return tail(from: offset)
        }
        if inHeader, !accountHeader() { return nil }
        guard load() else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        if inHeader {
            chain?.hide(in: writablePiece, at: pieceStart)
            countZeros()
        }
        return piece
    }

    /// Loads the next piece; false at the end.
    private func load() -> Bool {
        guard !exhausted else { return false }
        let start = pieceEnd
        guard start < limits.totalSize else {
            limit = .totalSize
            exhausted = true
            return false
        }
        let loaded = stream.next()
        let allowed = Int(clamping: limits.totalSize &- start)
        pieceStart = start
        writablePiece = UnsafeMutableRawBufferPointer(rebasing: loaded[..<min(loaded.count, allowed)])
        piece = UnsafeRawBufferPointer(writablePiece)
        exhausted = piece.isEmpty
        return !exhausted
    }

    private func tail(from offset: UInt64) -> UnsafeRawBufferPointer {
        guard offset > pieceStart else { return piece }
        let skip = Int(clamping: offset &- pieceStart)
        return UnsafeRawBufferPointer(rebasing: piece[min(skip, piece.count)...])
    }

    /// Clears a limit that concerned only one header.
    func clearLimit() { limit = nil }

    // MARK: Headers

    /// Starts the header phase of the entry whose blocks start at `offset`.
    func beginHeader(at offset: UInt64) {
        inHeader = true
        headerStart = offset
        zeroBlocks = 0
        zerosOver = false
        newlines = 0
        mapExtents = 0
        captured.removeAll(keepingCapacity: true)
        chain = nil
        countZeros()
    }

    /// Ends the header phase.
    func endHeader() { inHeader = false }

    /// Offset of the first block of the header phase that is not zero.
    var headersFrom: UInt64 { headerStart &+ zeroBlocks &* UInt64(TarFormat.blockSize) }

    /// Whether only zeros follow the leading zero blocks, up to the end of the current piece.
    var restIsZero: Bool {
        if headersFrom >= pieceEnd { return true }
        if headersFrom >= pieceStart { return TarFormat.isZero(tail(from: headersFrom)) }
        return !captured.isEmpty && captured.allSatisfy { $0 == 0 } && TarFormat.isZero(piece)
    }

    /// Counts the leading zero blocks that are in the current piece.
    private func countZeros() {
        while !zerosOver {
            let rest = tail(from: headersFrom)
            guard headersFrom >= pieceStart, rest.count >= TarFormat.blockSize else { return }
            if TarFormat.isZero(UnsafeRawBufferPointer(rebasing: rest[..<TarFormat.blockSize])) {
                zeroBlocks += 1
            } else {
                zerosOver = true
                chain = HeaderChain(from: headersFrom)
                chain?.hide(in: writablePiece, at: pieceStart)
            }
        }
    }

    /// Charges the current piece to the header phase; false when that exceeds a limit.
    private func accountHeader() -> Bool {
        let from = headersFrom
        guard pieceEnd > from else { return true }
        let rest = tail(from: from)
        guard pieceEnd &- from <= limits.header else { return refuse(.header) }
        let start = pieceEnd &- UInt64(rest.count)
        let end = max(chain?.end ?? pieceEnd, start)
        let special = rest.prefix(Int(clamping: end &- start))
        guard isMapWithinLimits(special, rest.dropFirst(special.count)) else { return refuse(.sparseExtents) }
        // After the entry's own header there are no names, but perhaps megabytes of sparse map.
        captured.append(contentsOf: special)
        return true
    }

    /// Counts the extents that the header may announce, which libarchive does not bound; false when over the limit.
    private func isMapWithinLimits(_ special: Slice<UnsafeRawBufferPointer>, _ map: Slice<UnsafeRawBufferPointer>)
        -> Bool
    {
        // In special headers each extent takes one or two records; other records have lines too, at most one per two
        // bytes of the 1 MiB that libarchive accepts.
        newlines &+= UInt64(special.count(where: { $0 == 0x0a }))
        let (lines, overflow) = limits.sparseExtents.multipliedReportingOverflow(by: 2)
        guard overflow || newlines <= lines.addingReportingOverflow(1 << 19).partialValue else { return false }
        if chain?.isOldSparse == true {
            // Binary, 21 extents in a block.
            mapExtents &+= UInt64(map.count / TarFormat.blockSize * 21)
        } else {
            // Text, two lines for each extent.
            mapExtents &+= UInt64(map.count(where: { $0 == 0x0a }) / 2)
        }
        return mapExtents <= limits.sparseExtents
    }

    private func refuse(_ which: UnpackLimit) -> Bool {
        limit = which
        return false
    }

    /// Calls `body` with the blocks of the header phase, from the first that is not zero up to `end`.
    ///
    /// - Returns: what `body` returns; nil when the blocks are no longer in memory.
    func withHeaderBlocks<R>(upTo end: UInt64, _ body: (UnsafeRawBufferPointer) -> R) -> R? {
        let from = headersFrom
        guard end > from, end <= pieceEnd else { return nil }
        let length = Int(clamping: min(end, chain?.end ?? end) &- from)
        chain?.restore(writablePiece, at: pieceStart)
        if captured.isEmpty {
            guard from >= pieceStart else { return nil }
            return body(UnsafeRawBufferPointer(rebasing: tail(from: from)[..<length]))
        }
        let missing = length - captured.count
        if missing > 0 { captured.append(contentsOf: piece[..<min(missing, piece.count)]) }
        guard captured.count >= length else { return nil }
        captured.withUnsafeMutableBytes { chain?.restore($0, at: from) }
        return captured.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<length])) }
    }

    // MARK: Searching and draining

    /// Returns the first bytes of the stream, loading them if needed; ``next()`` returns them again.
    func peek() -> UnsafeRawBufferPointer {
        if piece.isEmpty, !exhausted { _ = load() }
        resumeAt = pieceStart
        return piece
    }

    /// Finds the next block at or after `offset` that is a header, or, if `acceptZero`, a zero block.
    ///
    /// - Returns: its offset, at which a new reader starts; nil when there is none.
    func seekHeader(from offset: UInt64, acceptZero: Bool, blocks budget: inout Int) -> UInt64? {
        inHeader = false
        var at = offset
        while true {
            while at >= pieceEnd || piece.isEmpty {
                guard load() else { return nil }
            }
            at = max(at, pieceStart)
            let rest = tail(from: at)
            guard rest.count >= TarFormat.blockSize else {
                at = pieceEnd
                continue
            }
            let block = UnsafeRawBufferPointer(rebasing: rest[..<TarFormat.blockSize])
            if TarFormat.isHeader(block) || (acceptZero && TarFormat.isZero(block)) {
                resumeAt = at
                return at
            }
            guard budget > 0 else {
                limit = .damage
                return nil
            }
            budget -= 1
            at &+= UInt64(TarFormat.blockSize)
        }
    }

    /// Reads the stream to its end so that its checksums are verified.
    func drain() {
        resumeAt = nil
        inHeader = false
        while load() {}
    }
}
