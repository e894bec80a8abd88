/// Stands between the inflated bytes and libarchive: counts what passes, keeps the limits and watches for zero blocks.
///
/// libarchive neither says whether the end-of-archive blocks were there nor bounds what a header may cost, and it hides
/// the bytes of names; the gate sees every byte that libarchive sees and answers for all three.
final class TarGate {
    private let stream: any TarStream
    private let limits: UnpackLimits

    /// The piece handed out last, and the offset of its first byte in the tar stream.
    private var piece = UnsafeRawBufferPointer(start: nil, count: 0)
    private var writablePiece = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var pieceStart: UInt64 = 0
    /// Bytes at the front of ``piece`` that were given to an earlier reader; a fresh one starts behind them.
    private var resumeAt: UInt64?

    /// Whether the stream has no more bytes, by nature or by a limit.
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

    /// Offset behind the last byte handed out.
    var pieceEnd: UInt64 { pieceStart &+ UInt64(piece.count) }

    /// What the stream says of its end.
    var end: StreamEnd { stream.end }

    /// The next piece for libarchive; nil when a limit forbids it, empty at the end.
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
        guard start < limits.totalBytes else {
            limit = .totalBytes
            exhausted = true
            return false
        }
        let loaded = stream.next()
        let allowed = Int(clamping: limits.totalBytes &- start)
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

    /// Forgets a limit that concerned one header only.
    func clearLimit() { limit = nil }

    // MARK: Headers

    /// Starts to watch the header phase of the entry whose blocks start at `offset`.
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

    /// Whether nothing but zeros stands between the leading zero blocks and the end of the current piece.
    var restIsZero: Bool {
        if headersFrom >= pieceEnd { return true }
        if headersFrom >= pieceStart { return TarFormat.isZero(tail(from: headersFrom)) }
        return !captured.isEmpty && captured.allSatisfy { $0 == 0 } && TarFormat.isZero(piece)
    }

    /// Counts leading zero blocks as far as the current piece shows them.
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

    /// Charges what the header phase has used up of the current piece; false when that is too much.
    private func accountHeader() -> Bool {
        let from = headersFrom
        guard pieceEnd > from else { return true }
        let rest = tail(from: from)
        guard pieceEnd &- from <= limits.headerBytes else { return refuse(.headerBytes) }
        let start = pieceEnd &- UInt64(rest.count)
        let end = max(chain?.end ?? pieceEnd, start)
        let special = rest.prefix(Int(clamping: end &- start))
        guard isMapWithinLimits(special, rest.dropFirst(special.count)) else { return refuse(.extents) }
        // Behind the entry's own header no names stand, but perhaps megabytes of a sparse map.
        captured.append(contentsOf: special)
        return true
    }

    /// Counts the extents that the header may announce: libarchive puts no bound on them.
    private func isMapWithinLimits(_ special: Slice<UnsafeRawBufferPointer>, _ map: Slice<UnsafeRawBufferPointer>)
        -> Bool
    {
        // In special headers each extent is a record or two; other records have lines as well, at most one for each
        // two bytes of the 1 MiB that libarchive accepts of them.
        newlines &+= UInt64(special.count(where: { $0 == 0x0a }))
        let (lines, overflow) = limits.extents.multipliedReportingOverflow(by: 2)
        guard overflow || newlines <= lines.addingReportingOverflow(1 << 19).partialValue else { return false }
        if chain?.isOldSparse == true {
            // Binary, 21 extents in a block.
            mapExtents &+= UInt64(map.count / TarFormat.blockSize * 21)
        } else {
            // Text, two lines for each extent.
            mapExtents &+= UInt64(map.count(where: { $0 == 0x0a }) / 2)
        }
        return mapExtents <= limits.extents
    }

    private func refuse(_ which: UnpackLimit) -> Bool {
        limit = which
        return false
    }

    /// Calls `body` with the blocks of the header phase, from the first that is not zero up to `end`.
    ///
    /// - Returns: nil when they are no longer at hand.
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

    /// The first bytes of the stream, loaded if need be; they are handed out again by ``next()``.
    func peek() -> UnsafeRawBufferPointer {
        if piece.isEmpty, !exhausted { _ = load() }
        resumeAt = pieceStart
        return piece
    }

    /// Finds the next block at or behind `offset` that is a header, or, if `acceptZero`, a zero block.
    ///
    /// - Returns: its offset, from which a fresh reader will be fed; nil when there is none.
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
