import Model

/// Passes the content of one entry from the reader to the sink and counts it.
struct EntryContent {
    private let size: UInt64
    private let limits: UnpackLimits
    private var holesLeft: UInt64

    /// Content and hole bytes delivered so far.
    private var delivered: UInt64 = 0

    /// The state and the counts for the sink.
    var outcome = EntryOutcome(state: .complete, bytes: 0, holeBytes: 0)
    /// The limit that cut the entry.
    var limit: UnpackLimit?
    private var padding = ZeroPadding()
    /// What is wrong with the entry's data.
    private(set) var problem: String?

    init(header: EntryHeader, limits: UnpackLimits, spentHoles: UInt64) {
        size = header.size
        self.limits = limits
        holesLeft = limits.holeBytes > spentHoles ? limits.holeBytes - spentHoles : 0
    }

    /// Delivers content until it ends, or a limit or fault stops it.
    mutating func deliver<Sink: ArchiveVisitor>(_ reader: TarReader, into sink: inout Sink) throws(Sink.Failure) {
        while true {
            switch reader.nextContent() {
            case .data(let bytes, let offset):
                guard !bytes.isEmpty else { continue }
                guard offset >= 0, UInt64(offset) >= delivered else {
                    return stop(.damaged, "the sparse map of an entry goes backwards")
                }
                guard try fill(to: UInt64(offset), into: &sink) else { return }
                guard try pass(bytes, into: &sink) else { return }
            case .end:
                if delivered < size { _ = try fill(to: size, into: &sink) }
                outcome.isZeroPadded = padding.isPadded
                if delivered > size { stop(.damaged, "an entry holds more content than its header announces") }
                return
            case .failed(let cut):
                return cut ? stop(.truncated, nil) : stop(.damaged, reader.message)
            }
        }
    }

    private mutating func stop(_ state: EntryOutcome.State, _ problem: String?) {
        outcome.state = state
        self.problem = problem
    }

    /// Delivers a hole up to `offset`; false when the budget for holes is spent.
    private mutating func fill<Sink: ArchiveVisitor>(
        to offset: UInt64, into sink: inout Sink
    ) throws(Sink.Failure) -> Bool {
        guard offset > delivered else { return true }
        let wanted = offset - delivered
        let allowed = min(wanted, holesLeft)
        if allowed > 0 {
            try sink.hole(allowed, at: delivered)
            padding.takeHole()
            delivered += allowed
            holesLeft -= allowed
            outcome.holeBytes += allowed
        }
        guard allowed < wanted else { return true }
        limit = .holeBytes
        outcome.state = .limited
        return false
    }

    private mutating func pass<Sink: ArchiveVisitor>(
        _ bytes: UnsafeRawBufferPointer, into sink: inout Sink
    ) throws(Sink.Failure) -> Bool {
        let left = limits.entrySize > outcome.bytes ? limits.entrySize - outcome.bytes : 0
        let allowed = Int(clamping: min(UInt64(bytes.count), left))
        if allowed > 0 {
            let part = UnsafeRawBufferPointer(rebasing: bytes[..<allowed])
            padding.take(part)
            try sink.data(part, at: delivered)
            delivered += UInt64(allowed)
            outcome.bytes += UInt64(allowed)
        }
        guard allowed < bytes.count else { return true }
        limit = .entrySize
        outcome.state = .limited
        return false
    }
}
