import Model

/// One pass over the entries of a tar stream: passes them to the sink, enforces the limits and sets the verdict.
struct ArchiveWalk {
    private let gate: TarStreamGuard
    private let limits: UnpackLimits
    private var report = UnpackReport()

    private var namesBytes: UInt64 = 0
    private var headersBytes: UInt64 = 0
    private var damagedBlocksLeft: Int
    private var restartsLeft: Int
    /// The end-of-archive blocks were seen, and no entry since.
    private var afterEnd = false
    /// Whether the entries that follow were found by searching past damage.
    private var afterDamage = false

    init(gate: TarStreamGuard, limits: UnpackLimits) {
        self.gate = gate
        self.limits = limits
        damagedBlocksLeft = limits.damagedBlocks
        restartsLeft = limits.restarts
    }

    /// What to do after trying to read a header.
    private enum Next {
        case goOn
        /// A new reader takes over after this offset.
        case restart(behind: UInt64)
        /// Nothing more can be read.
        case stop
    }

    /// Walks the whole stream.
    mutating func run<Sink: ArchiveVisitor>(
        into sink: inout Sink, isGzip: Bool
    ) throws(Sink.Failure) -> UnpackReport {
        let head = gate.peek()
        let resembles = TarFormat.resemblesArchive(head)
        let keptHead = resembles ? [] : Array(head.prefix(Unpacker.keptHead))
        var from: UInt64 = 0
        var acceptZero = true
        while let start = gate.seekHeader(from: from, acceptZero: acceptZero, blocks: &damagedBlocksLeft) {
            if start > from || !acceptZero { noteGap(from) }
            guard let reader = TarReader(gate: gate, from: start) else { break }
            guard let behind = try walk(reader, into: &sink) else { break }
            guard restartsLeft > 0 else {
                report.hit(.damage, at: behind)
                break
            }
            restartsLeft -= 1
            from = behind
            acceptZero = false
        }
        if gate.limit == nil, !full { gate.drain() }
        conclude(isGzip: isGzip, resembles: resembles, head: keptHead)
        return report
    }

    /// Whether a limit of the whole artifact was reached, so that the rest is not read.
    private var full: Bool {
        switch report.limit {
        case .entries, .allNamesBytes, .allHeadersBytes, .totalSize: true
        default: false
        }
    }

    /// Records that blocks were skipped before the next header.
    private mutating func noteGap(_ offset: UInt64) {
        if afterEnd { report.flags.insert(.dataAfterEnd) }
        // After a header over its limit, the gap is our doing, not damage.
        guard !afterEnd, report.limit == nil else { return }
        damage(at: offset, "skipped blocks that are not tar headers")
        afterDamage = true
    }

    private mutating func damage(at offset: UInt64, _ message: String) {
        report.flags.insert(.tarDamaged)
        report.lower(to: .corrupt)
        report.note(UnpackFault(layer: .tar, offset: offset, message: message))
    }

    private mutating func cut(at offset: UInt64, _ message: String) {
        report.flags.insert(.truncated)
        report.lower(to: .incomplete)
        report.note(UnpackFault(layer: .tar, offset: offset, message: message))
    }

    /// Walks the entries that one reader finds.
    ///
    /// - Returns: the offset after which a new reader continues; nil at the end.
    private mutating func walk<Sink: ArchiveVisitor>(
        _ reader: TarReader, into sink: inout Sink
    ) throws(Sink.Failure) -> UInt64? {
        while true {
            let start = reader.position
            gate.beginHeader(at: start)
            let result = reader.nextHeader()
            gate.endHeader()
            noteZeroBlocks(result)
            switch result {
            case .entry:
                guard try take(reader, at: gate.headersFrom, into: &sink) else { return nil }
            case .damagedBlock:
                guard stepOver(start, reader.message) else { return nil }
            case .end:
                concludeEnd(at: gate.headersFrom)
                return nil
            case .unusable, .fatal:
                return restart(result, start, reader)
            }
        }
    }

    /// Records the zero blocks before what was read.
    private mutating func noteZeroBlocks(_ result: TarReader.Header) {
        if gate.zeroBlocks == 1 { report.flags.insert(.loneZeroBlock) }
        if gate.zeroBlocks >= 2 { afterEnd = true }
        if case .end = result { return }
        // Less than a block of zeros is padding, whole or truncated.
        if case .fatal = result, gate.restIsZero { return }
        if afterEnd { report.flags.insert(.dataAfterEnd) }
    }

    private mutating func concludeEnd(at offset: UInt64) {
        if afterEnd { return }
        report.flags.insert(.missingEnd)
        report.lower(to: .incomplete)
        report.note(UnpackFault(layer: .tar, offset: offset, message: "the end-of-archive blocks are missing"))
    }

    /// Accounts for one block that is not a header; false when the search budget is spent.
    private mutating func stepOver(_ offset: UInt64, _ message: String) -> Bool {
        if !afterEnd { damage(at: offset, message) }
        afterDamage = true
        guard damagedBlocksLeft > 0 else {
            report.hit(.damage, at: offset)
            return false
        }
        damagedBlocksLeft -= 1
        return true
    }

    private mutating func restart(_ result: TarReader.Header, _ start: UInt64, _ reader: TarReader) -> UInt64? {
        let from = gate.headersFrom
        if let limit = gate.limit {
            report.hit(limit, at: from)
            // A header over its limit is skipped like a damaged one; a limit of the whole artifact ends the walk.
            guard limit != .totalSize else { return nil }
            gate.clearLimit()
        } else if case .fatal(let cut) = result, cut || (gate.exhausted && reader.position >= gate.pieceEnd) {
            if !afterEnd { self.cut(at: from, "the tar stream ends inside a header") }
            return nil
        } else if !afterEnd {
            damage(at: from, reader.message)
        }
        afterDamage = true
        return max(from, start) &+ UInt64(TarFormat.blockSize)
    }

    // MARK: Entries

    /// Passes one entry to the sink; false when a limit of the whole artifact is reached.
    private mutating func take<Sink: ArchiveVisitor>(
        _ reader: TarReader, at offset: UInt64, into sink: inout Sink
    ) throws(Sink.Failure) -> Bool {
        guard report.entries < limits.entries else {
            report.hit(.entries, at: offset)
            return false
        }
        headersBytes &+= reader.position &- offset
        guard headersBytes <= limits.allHeadersBytes else {
            report.hit(.allHeadersBytes, at: offset)
            return false
        }
        var header = reader.header()
        header.offset = offset
        if reader.warned, judgeWarning(reader.message, at: offset) { header.flags.insert(.damagedHeader) }
        takeNames(of: &header, from: reader)
        if afterDamage {
            header.flags.insert(.afterDamage)
            report.flags.insert(.resynchronised)
        }
        if report.flags.contains(.dataAfterEnd) { header.flags.insert(.afterEnd) }
        afterEnd = false
        let extents = reader.extents
        if extents > 0 { header.flags.insert(.sparse) }
        if header.kind != .file, header.kind != .hardlink, header.size > 0 {
            header.flags.insert(.contentPassedOver)
            header.size = 0
        }
        namesBytes += UInt64(header.path.count + (header.linkTarget?.count ?? 0))
        guard namesBytes <= limits.allNamesBytes else {
            report.hit(.allNamesBytes, at: offset)
            return false
        }
        report.entries += 1
        try sink.begin(header)
        var content = EntryContent(header: header, limits: limits, spentHoles: report.holeBytes)
        if extents > limits.sparseExtents {
            content.outcome.state = .limited
            content.limit = .sparseExtents
        } else if header.kind == .file || header.kind == .hardlink {
            try content.deliver(reader, into: &sink)
        }
        try sink.end(content.outcome)
        return settle(content, reader, at: offset)
    }

    /// Adds one entry's outcome to the report; false when the stream has ended.
    private mutating func settle(_ content: EntryContent, _ reader: TarReader, at offset: UInt64) -> Bool {
        report.bytes &+= content.outcome.bytes
        report.holeBytes &+= content.outcome.holeBytes
        if content.outcome.isZeroPadded { report.flags.insert(.zeroPadded) }
        if let limit = content.limit { report.hit(limit, at: offset) }
        switch content.outcome.state {
        case .complete: break
        case .limited: report.cutEntries += 1
        case .damaged:
            report.cutEntries += 1
            damage(at: offset, content.problem ?? "the sparse map of an entry is contradictory")
        case .truncated: report.cutEntries += 1
        }
        let skipped = reader.skipContent()
        guard content.outcome.state == .truncated || !skipped else { return true }
        if let limit = gate.limit {
            report.hit(limit, at: gate.pieceEnd)
        } else {
            cut(at: gate.pieceEnd, "the tar stream ends inside an entry")
        }
        return false
    }

    /// Records a warning about an entry's header; true when the entry may be wrong.
    private mutating func judgeWarning(_ message: String, at offset: UInt64) -> Bool {
        // Names that do not fit the locale lose nothing: they are read from the header blocks. Access control lists are
        // hidden from libarchive on purpose.
        guard !message.hasSuffix("current locale."), !message.hasPrefix("Malformed Solaris ACL") else { return false }
        report.flags.insert(.warnings)
        if report.warnings.count < 16, !report.warnings.contains(message) { report.warnings.append(message) }
        damage(at: offset, message)
        return true
    }

    /// Takes names from the header blocks where libarchive may have changed them, and enforces the limits on names.
    private mutating func takeNames(of header: inout EntryHeader, from reader: TarReader) {
        let names = gate.withHeaderBlocks(upTo: reader.position) { PaxNames(blocks: $0) } ?? nil
        if let path = names?.path { header.path = path }
        if header.linkTarget != nil, let target = names?.linkTarget { header.linkTarget = target }
        if header.path.contains(0) || header.linkTarget?.contains(0) == true { header.flags.insert(.nulInName) }
        if header.path.isEmpty { header.flags.insert(.emptyName) }
        if header.path.count > limits.nameBytes || (header.linkTarget?.count ?? 0) > limits.nameBytes {
            header.path = Array(header.path.prefix(limits.nameBytes))
            header.linkTarget = header.linkTarget.map { Array($0.prefix(limits.nameBytes)) }
            header.flags.insert(.nameCut)
            report.hit(.nameBytes, at: header.offset)
        }
        if header.path.count(where: { $0 == UInt8(ascii: "/") }) >= limits.depth { header.flags.insert(.deep) }
    }

    // MARK: Verdict

    private mutating func conclude(isGzip: Bool, resembles: Bool, head: [UInt8]) {
        let end = gate.end
        report.flags.formUnion(end.flags)
        report.compressedBytes = end.compressedBytes
        report.members = end.members
        report.inflatedBytes = gate.pieceEnd
        if let limit = gate.limit { report.hit(limit, at: gate.pieceEnd) }
        // An archive is good only if its end was seen.
        if !afterEnd, report.verdict == .ok { cut(at: gate.pieceEnd, "the tar stream ends inside a header") }
        if let fault = end.fault {
            // The inflater's fault is the cause, tar's the consequence.
            report.firstError = fault
            let onlyCut = end.flags.isDisjoint(with: [.gzipDamaged, .checksumMismatch])
            report.lower(to: onlyCut ? .incomplete : .corrupt)
        }
        guard report.entries == 0, report.verdict != .ok || report.inflatedBytes == 0 || !resembles else { return }
        if report.inflatedBytes == 0 {
            report.flags.formUnion([.empty, .missingEnd])
            report.lower(to: .incomplete)
        } else if !resembles, end.fault == nil {
            report.verdict = .notAnArchive
            report.flags.subtract([.tarDamaged, .missingEnd])
            report.firstError = nil
            report.head = head
        } else if !resembles {
            report.head = head
        }
    }
}
