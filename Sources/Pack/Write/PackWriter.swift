import Digest
public import Model
import Text

/// Writes one pack, member by member, into an open file.
///
/// One thread calls it. That thread hashes, workers compress and build filters, and the worker whose block is next in
/// order writes. The caller publishes the file, which syncs it. Buffers take less than 24 MiB, whatever the members hold;
/// with a file for the member table, memory does not grow with the number of members.
public final class PackWriter {
    private let sink: PackFileWriter
    private let pipeline: CompressPipeline
    private var hasher = SHA256Hasher()
    let writesFilters: Bool
    private var crashes: [[UInt8]] = []

    private let log: MemberLog
    /// The member being written.
    private var current: Member?
    /// Number of blocks handed to the pipeline, which is the index of the next one.
    private var submitted = 0
    private var finished = false

    // Of the member being written.
    private var job: BlockJob?
    private var content: UInt64 = 0
    private var logical: UInt64 = 0
    private var hashedHoles: UInt64 = 0
    private var holeBudget: UInt64
    private var wholeBlocks = false
    private var needsPiece = true
    private var touchesHole = false
    private var midLine = false

    /// What has been written out for certain: the first `members` members, and the blocks as they were then.
    private var settled: (members: Int, blocks: [Block], ends: [UInt64]) = (0, [], [])

    // Small members wait here to share a block. Text and other bytes are kept apart because similar data compresses
    // better together.
    private var textBatch: BlockJob?
    private var binaryBatch: BlockJob?

    /// Longest path or link target allowed, in bytes.
    public static let maxPathLength = 1 << 20

    /// Most pieces in one block: a sparse member may have one per byte, and each takes 200 bytes of memory.
    private static let mostPieces = 4096

    /// Creates a writer into `descriptor`, an empty file open for reading and writing. The caller keeps ownership of
    /// it.
    ///
    /// `tables` is another such file, to which the member table spills once it exceeds 1 MiB; without it, the table
    /// stays in memory.
    public init(
        descriptor: Int32, options: PackOptions = PackOptions(), inspector: (any BlockInspector)? = nil,
        tables: Int32? = nil
    ) throws(PackError) {
        let pages = tables.map { PageFile(descriptor: $0) }
        let sink = PackFileWriter(
            descriptor: descriptor, inspector: inspector, filtersAside: options.filtersAside && options.filters,
            tables: pages)
        self.sink = sink
        log = MemberLog(file: pages)
        writesFilters = options.filters
        holeBudget = options.hashedHoleBudget
        pipeline = CompressPipeline(options, inspector: inspector) { (job) throws(PackError) in try sink.commit(job) }
    }

    deinit {
        pipeline.stop()
    }

    // MARK: Members

    /// Begins a member; the previous one must have ended.
    public func beginMember(_ header: MemberHeader) throws(PackError) {
        guard current == nil, !finished else { throw PackError(.misuse, "a member cannot begin here") }
        guard log.count < Int(UInt32.max) - 1 else { throw PackError(.tooLarge, "too many members") }
        guard max(header.path.count, header.linkTarget?.count ?? 0) <= Self.maxPathLength else {
            throw PackError(
                .tooLarge, "a path or link target is too long; the path has \(counted(header.path.count, "byte"))")
        }
        hasher.restart()
        current = Member(header)
        content = 0
        logical = 0
        hashedHoles = 0
        wholeBlocks = false
        needsPiece = true
        touchesHole = false
        midLine = false
    }

    /// Appends bytes to the member. Pieces of 64 KiB or more hash at full speed.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        guard current != nil else { throw PackError(.misuse, "bytes without a member") }
        guard bytes.count > 0 else { return }
        guard !logical.addingReportingOverflow(UInt64(bytes.count)).overflow else {
            throw PackError(.tooLarge, "a member exceeds 2^64 bytes")
        }
        var rest = bytes
        while rest.count > 0 {
            let target = try writable()
            let count = min(target.room, rest.count)
            let part = UnsafeRawBufferPointer(rebasing: rest[..<count])
            // Hashing piece by piece leaves the bytes in the cache for the copy.
            hasher.update(part)
            UnsafeMutableRawBufferPointer(rebasing: target.raw[target.count...]).copyMemory(from: part)
            note(count, in: target)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Appends a run of zeros that is recorded and not stored.
    public func appendHole(_ length: UInt64) throws(PackError) {
        guard current != nil else { throw PackError(.misuse, "a hole without a member") }
        guard length > 0 else { return }
        let (end, overflow) = logical.addingReportingOverflow(length)
        guard !overflow else { throw PackError(.tooLarge, "a member exceeds 2^64 bytes") }
        let isHashed = enterHole(length)
        if isHashed { hasher.update(zeros: length) }
        logical = end
        if let job, job.count > 0 { job.flags.insert(.touchesHole) }
        touchesHole = true
        needsPiece = true
    }

    /// Ends the member. `stored`, `lineCount` and sometimes `firstBlock` are filled in only by `finish`.
    @discardableResult
    public func endMember(flags: MemberFlags = [], kind: MemberKind? = nil) throws(PackError) -> Member {
        guard var member = current else { throw PackError(.misuse, "no member to end") }
        if let last = job, last.count > 0 {
            job = nil
            // A nearly full block, or the tail of a large member, is submitted as it is; anything smaller waits to
            // share a block.
            if wholeBlocks || last.count > PackFormat.blockSize / 4 * 3 {
                try submit(last)
            } else {
                last.isWhole = true
                try batch(last, text: member.kind.isText)
            }
        }
        current = nil
        member.size = logical
        member.flags.formUnion(flags)
        member.sha256 = hasher.finish()
        if let kind { member.kind = kind }
        try log.append(member)
        return member
    }

    /// Records a hole at the end of the open member; returns whether it is part of the hash.
    private func enterHole(_ length: UInt64) -> Bool {
        if current?.holes.isEmpty == true, holeBudget == 0 { current?.flags.insert(.hashOmitsAllHoles) }
        if let last = current?.holes.last, last.offset + last.length == logical {
            let index = (current?.holes.count ?? 1) - 1
            current?.holes[index].length += length
        } else {
            current?.holes.append(Hole(offset: logical, length: length))
        }
        let (total, passed) = hashedHoles.addingReportingOverflow(length)
        guard let flags = current?.flags, !passed, total <= flags.hashedHoles, !flags.contains(.hashOmitsHoles) else {
            current?.flags.insert(.hashOmitsHoles)
            return false
        }
        hashedHoles = total
        holeBudget -= min(length, holeBudget)
        return true
    }

    /// Adds a crash record: JSON text.
    public func addCrash(json: [UInt8]) {
        crashes.append(json)
    }

    /// Number of members begun so far.
    public var memberCount: Int { log.count + (current == nil ? 0 : 1) }

    /// Returns a member that has ended; `stored`, `lineCount` and sometimes `firstBlock` are unknown before `finish`.
    public func member(_ index: Int) throws(PackError) -> Member { try log.member(index) }

    /// Returns random access to a member that has ended, before the pack is finished.
    ///
    /// Writes out all appended bytes first, unless an earlier `readBack` already did; so a small member may end up in a
    /// smaller batch than otherwise. The returned object reads through the writer's descriptor and must not outlive it.
    public func readBack(member index: Int) throws(PackError) -> MemberContent {
        if index >= settled.members {
            try flush()
            settled = (log.count, sink.blocks, MemberTable.blockEnds(sink.blocks))
        }
        let bytes = try PackBytes(descriptor: sink.descriptor)
        return try MemberContent(try log.member(index), blocks: settled.blocks, ends: settled.ends, bytes: bytes)
    }

    /// Corrects the kind of a member that has ended, once its content has been inspected. Does nothing when either kind
    /// is text.
    public func amend(member index: Int, kind: MemberKind) throws(PackError) {
        guard try !log.member(index).kind.isText, !kind.isText else { return }
        try log.amend(index, kind: kind)
    }

    // MARK: Ends

    /// Waits until all appended bytes are handed to the kernel. A partly filled batch is written as it is.
    public func flush() throws(PackError) {
        try submitBatches()
        try pipeline.drain()
        try sink.flush()
    }

    /// Returns what the inspector found in members that have ended, in order; each anchor is returned once.
    ///
    /// At most 65,536 are held; `dropped` is true when there were more.
    public func takeAnchors() throws(PackError) -> (anchors: [MemberAnchor], dropped: Bool) {
        try submitBatches()
        try pipeline.drain()
        return (sink.takeAnchors(), sink.anchorsDropped)
    }

    /// Writes filters and footer. The file is complete but not synced.
    public func finish(session: SessionMetadata, artifacts: [ArtifactEntry]) throws(PackError) -> PackSummary {
        guard current == nil, !finished else { throw PackError(.misuse, "the pack cannot be finished in this state") }
        try submitBatches()
        try pipeline.drain()
        pipeline.stop()
        finished = true
        try sink.settleTallies()
        let aside = sink.takeFilters()
        try sink.writeFilters()
        var footer = try FooterWriter(sink)
        let (log, tallies) = (log, sink.tallies)
        try footer.add(.members, size: log.size) { (take) throws(PackError) in
            try log.write(tallies: tallies, take)
        }
        try footer.add(.blocks, BlockTable.encode(sink.blocks))
        try footer.add(.crashes, CrashTable.encode(crashes))
        try footer.add(.artifacts, ArtifactEntry.json(artifacts))
        try footer.add(.session, session.json)
        try footer.finish()
        return PackSummary(
            fileSize: sink.offset, members: log.count, blocks: sink.blocks.count, rawBytes: sink.rawBytes,
            storedBytes: sink.storedBytes, filterBytes: sink.filterBytes, filtersAside: aside)
    }

    /// Abandons the pack: ends the threads and drops unwritten data. The caller removes the file.
    public func abort() {
        finished = true
        pipeline.stop()
    }

    // MARK: Members of an older pack

    /// Writes out waiting blocks, so that whole frames may be appended.
    func prepareCopy() throws(PackError) {
        guard current == nil, !finished else { throw PackError(.misuse, "members cannot be copied in this state") }
        try submitBatches()
        try pipeline.drain()
    }

    /// Appends a frame as it is, after `prepareCopy`, with its filter (in the current format; empty for none), and
    /// returns the block's index.
    func adopt(_ block: Block, frame: UnsafeRawBufferPointer, filter: [UInt8]) throws(PackError) -> UInt32 {
        guard submitted < Int(UInt32.max) - 1 else { throw PackError(.tooLarge, "too many blocks") }
        var copy = block
        copy.offset = sink.offset
        copy.filter = filter.isEmpty ? nil : FilterReference(filter)
        try sink.append(frame)
        try sink.add(copy, filter: filter)
        submitted += 1
        return UInt32(submitted - 1)
    }

    /// Appends a member whose blocks are already written, and returns its index.
    func adopt(_ member: Member) throws(PackError) -> Int {
        guard log.count < Int(UInt32.max) - 1 else { throw PackError(.tooLarge, "too many members") }
        let index = log.count
        try log.append(member)
        try log.place(index, block: member.firstBlock, offset: member.blockOffset)
        try sink.setTally(index, MemberTally(stored: member.stored, lines: member.lineCount))
        return index
    }

    /// Gives the last ended member the hash it had in the older pack, so that a mismatch stays visible. Returns its
    /// index.
    func keepHash(_ sha256: [UInt8]) throws(PackError) -> Int {
        try log.amend(log.count - 1, sha256: sha256)
        return log.count - 1
    }

    // MARK: Blocks

    /// Returns a block with room for at least one byte of the member.
    private func writable() throws(PackError) -> BlockJob {
        if let job, job.room > 0, job.pieces.count < Self.mostPieces { return job }
        let next = pipeline.acquire()
        if current?.kind.isText == true { next.flags.insert(.text) }
        if let full = job { try cut(full, into: next) }
        job = next
        return next
    }

    /// Submits a full block of a member that continues; text is cut after its last newline.
    private func cut(_ full: BlockJob, into next: BlockJob) throws(PackError) {
        wholeBlocks = true
        if full.flags.contains(.text) {
            let keep = full.throughLastNewline
            if keep > 0 {
                full.split(at: keep, into: next)
                // The copied flags describe the edges of the first part.
                next.flags.subtract([.startsMidLine, .endsMidLine])
                midLine = false
            } else {
                full.flags.insert(.endsMidLine)
                midLine = true
            }
        }
        needsPiece = needsPiece || next.count == 0
        if midLine { next.flags.insert(.startsMidLine) }
        try submit(full)
    }

    private func note(_ count: Int, in target: BlockJob) {
        if needsPiece || target.pieces.isEmpty, let member = current {
            let context = InspectionContext(
                member: log.count, kind: member.kind, timeFormat: member.timeFormat,
                counterStart: member.counterStart, mtime: member.mtime, contentOffset: content, memberOffset: logical)
            target.pieces.append(Piece(context: context, offset: target.count, length: 0))
            needsPiece = false
        }
        if touchesHole {
            target.flags.insert(.touchesHole)
            touchesHole = false
        }
        target.pieces[target.pieces.count - 1].length += count
        target.count += count
        content += UInt64(count)
        logical += UInt64(count)
    }

    private func batch(_ small: BlockJob, text: Bool) throws(PackError) {
        if let waiting = text ? textBatch : binaryBatch {
            if waiting.room >= small.count, waiting.pieces.count + small.pieces.count <= Self.mostPieces {
                waiting.absorb(small)
                waiting.flags.insert(.batch)
                pipeline.recycle(small)
                return
            }
            try submit(waiting)
        }
        if text { textBatch = small } else { binaryBatch = small }
    }

    private func submitBatches() throws(PackError) {
        if let waiting = textBatch {
            textBatch = nil
            try submit(waiting)
        }
        if let waiting = binaryBatch {
            binaryBatch = nil
            try submit(waiting)
        }
    }

    private func submit(_ job: BlockJob) throws(PackError) {
        guard submitted < Int(UInt32.max) - 1 else { throw PackError(.tooLarge, "too many blocks") }
        for piece in job.pieces where piece.context.contentOffset == 0 {
            try log.place(piece.context.member, block: UInt32(submitted), offset: UInt32(piece.offset))
        }
        submitted += 1
        try pipeline.submit(job)
    }
}
