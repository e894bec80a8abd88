/// The result of copying an older pack's members into a new one.
public struct CarriedMembers: Sendable {
    /// For each member of the older pack, its index in the new one; nil when it was left out.
    public internal(set) var places: [Int?]
    /// Kept members with unreadable bytes. Their frames are copied unchanged.
    public internal(set) var damaged: [Int] = []
    /// Kept members that are incomplete in the new pack.
    public internal(set) var cut: [Int] = []
}

extension PackWriter {
    /// Copies members of an older pack without recompressing them: frames, line numbers and times are copied as they
    /// are, and so are filters in the current format. Damaged frames are copied too, and stay visible to `verify`.
    ///
    /// Only members that share a block with one that is left out are recompressed. Crash records are not copied: the
    /// caller adds them.
    /// - Parameters:
    ///   - reader: the older pack.
    ///   - artifact: maps an artifact's old index to its new one.
    ///   - keep: selects the members to copy.
    /// - Returns: for each member of the older pack, its index in this one; nil when it was left out.
    @discardableResult
    public func copyAll(
        from reader: PackReader, artifact: (UInt32) -> UInt32 = { $0 }, where keep: (Member) -> Bool = { _ in true }
    ) throws(PackError) -> [Int?] {
        try carry(from: reader, artifact: artifact, where: keep).places
    }

    /// Works like ``copyAll(from:artifact:where:)`` and reports which members are damaged. Each block is decoded once
    /// to find out.
    ///
    /// - Throws: `PackError` when the older pack cannot be read now, or the new one cannot be written; damage is not an
    ///   error.
    public func carry(
        from reader: PackReader, artifact: (UInt32) -> UInt32 = { $0 }, where keep: (Member) -> Bool = { _ in true }
    ) throws(PackError) -> CarriedMembers {
        try prepareCopy()
        let kept = reader.members.map(keep)
        let damage = try damagedBlocks(of: reader, kept)
        var plan = CopyPlan(reader, kept: kept, damaged: damage)
        try copyBlocks(&plan, of: reader)
        var carried = CarriedMembers(places: [Int?](repeating: nil, count: reader.members.count))
        for (index, member) in reader.members.enumerated() where plan.kept[index] && plan.asFrames[index] {
            var copy = member
            copy.artifact = artifact(member.artifact)
            copy.firstBlock = plan.newBlocks[Int(member.firstBlock), default: 0]
            carried.places[index] = try adopt(copy)
        }
        let decoder = try BlockDecoder()
        for (index, member) in reader.members.enumerated() where plan.kept[index] && !plan.asFrames[index] {
            var header = member.header
            header.artifact = artifact(member.artifact)
            let (place, isWhole) = try copyContent(of: index, header, from: reader, using: decoder)
            carried.places[index] = place
            if !isWhole { carried.cut.append(index) }
        }
        if damage.contains(true) {
            carried.damaged = reader.members.indices.filter { index in
                plan.kept[index] && reader.pieces(ofMember: index).contains { damage[$0.block] }
            }
        }
        return carried
    }

    /// Finds the blocks of kept members that cannot be decoded.
    private func damagedBlocks(of reader: PackReader, _ kept: [Bool]) throws(PackError) -> [Bool] {
        var damaged = [Bool](repeating: false, count: reader.blocks.count)
        var seen = damaged
        let decoder = try BlockDecoder()
        for index in reader.members.indices where kept[index] {
            for piece in reader.pieces(ofMember: index) where !seen[piece.block] {
                seen[piece.block] = true
                do throws(PackError) {
                    _ = try reader.decode(block: piece.block, using: decoder)
                } catch {
                    guard error.code == .damagedBlock else { throw error }
                    damaged[piece.block] = true
                }
            }
        }
        return damaged
    }

    private func copyBlocks(_ plan: inout CopyPlan, of reader: PackReader) throws(PackError) {
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: PackFormat.maxFrameSize, alignment: 64)
        defer { frame.deallocate() }
        let filters = try FilterSource(reader)
        for (index, block) in reader.blocks.enumerated() where plan.blocks[index] {
            let stored = UnsafeMutableRawBufferPointer(rebasing: frame[..<Int(block.storedSize)])
            try reader.bytes.read(at: block.offset, into: stored)
            let filter = writesFilters ? filters.filter(of: index) : []
            plan.newBlocks[index] = try adopt(block, frame: UnsafeRawBufferPointer(stored), filter: filter)
        }
    }

    private func copyContent(
        of index: Int, _ header: MemberHeader, from reader: PackReader, using decoder: BlockDecoder
    ) throws(PackError) -> (place: Int, isWhole: Bool) {
        try beginMember(header)
        let old = reader.members[index]
        do {
            try reader.streamExtents(member: index, using: decoder) { extent in
                switch extent {
                case .bytes(let bytes, _): try append(bytes)
                case .hole(let hole): try appendHole(hole.length)
                }
            }
        } catch {
            let error = error as? PackError ?? PackError(.io, "\(error)")
            guard error.code == .damagedBlock else { throw error }
            // Keep the readable beginning; the flags mark it as incomplete.
            try endMember(flags: old.flags.union([.truncated, .corrupt]))
            return (memberCount - 1, false)
        }
        try endMember(flags: old.flags)
        return (try keepHash(old.sha256), true)
    }
}

/// Decides which blocks of an older pack can be copied as they are.
private struct CopyPlan {
    var kept: [Bool]
    /// Kept members whose blocks can be copied as frames: those that hold kept members only, or are damaged.
    var asFrames: [Bool]
    var blocks: [Bool]
    var newBlocks: [Int: UInt32] = [:]

    init(_ reader: PackReader, kept: [Bool], damaged: [Bool]) {
        self.kept = kept
        var mixed = [Bool](repeating: false, count: reader.blocks.count)
        for (index, member) in reader.members.enumerated() where !kept[index] && member.contentSize > 0 {
            for piece in reader.pieces(ofMember: index) { mixed[piece.block] = true }
        }
        asFrames = kept
        blocks = [Bool](repeating: false, count: reader.blocks.count)
        for index in reader.members.indices where kept[index] {
            let pieces = reader.pieces(ofMember: index)
            // A damaged block cannot be recompressed: its frame is copied as it is.
            asFrames[index] = !pieces.contains { mixed[$0.block] && !damaged[$0.block] }
            guard asFrames[index] else { continue }
            for piece in pieces { blocks[piece.block] = true }
        }
    }
}
