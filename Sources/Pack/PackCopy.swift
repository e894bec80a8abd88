/// What became of an older pack's members in a new one.
public struct CarriedMembers: Sendable {
    /// For each member of the older pack its index in the new one; nil when it was left out.
    public internal(set) var places: [Int?]
    /// Kept members of which some bytes cannot be read. Their frames stand in the new pack as they stood in the old one.
    public internal(set) var damaged: [Int] = []
    /// Kept members of which not all that the older pack holds is in the new one.
    public internal(set) var cut: [Int] = []
}

extension PackWriter {
    /// Takes over members of an older pack without compressing them again: frames, line numbers and times are copied as
    /// they are, filters too where the pack holds them. Damage of frames is copied as well, and stays visible to `verify`.
    ///
    /// Only members that share a block with one that is left out are compressed anew. Crash records are not copied: they
    /// are the caller's to repeat or to replace.
    /// - Parameters:
    ///   - artifact: the new index of an artifact, from its old one.
    ///   - keep: which members to take.
    /// - Returns: for each member of the older pack its index in this one; nil when it was left out.
    @discardableResult
    public func copyAll(
        from reader: PackReader, artifact: (UInt32) -> UInt32 = { $0 }, where keep: (Member) -> Bool = { _ in true }
    ) throws(PackError) -> [Int?] {
        try carry(from: reader, artifact: artifact, where: keep).places
    }

    /// The same as ``copyAll(from:artifact:where:)``, and says which members are damaged: each block is decoded once.
    ///
    /// - Throws: `PackError` when the older pack cannot be read now, or the new one not be written; damage is no error.
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

    /// Which blocks of kept members cannot be decoded.
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
            // Its beginning is worth having, and says that it is not all.
            try endMember(flags: old.flags.union([.truncated, .corrupt]))
            return (memberCount - 1, false)
        }
        try endMember(flags: old.flags)
        return (try keepHash(old.sha256), true)
    }
}

/// Which blocks of an older pack can be taken over as they are.
private struct CopyPlan {
    var kept: [Bool]
    /// Kept members all of whose blocks hold kept members only.
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
            // What cannot be decoded cannot be compressed again either: the frame stays as it is.
            asFrames[index] = !pieces.contains { mixed[$0.block] && !damaged[$0.block] }
            guard asFrames[index] else { continue }
            for piece in pieces { blocks[piece.block] = true }
        }
    }
}
