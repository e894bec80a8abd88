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
        try prepareCopy()
        var plan = CopyPlan(reader, keep: keep)
        try copyBlocks(&plan, of: reader)
        var places = [Int?](repeating: nil, count: reader.members.count)
        for (index, member) in reader.members.enumerated() where plan.kept[index] && plan.asFrames[index] {
            var copy = member
            copy.artifact = artifact(member.artifact)
            copy.firstBlock = plan.newBlocks[Int(member.firstBlock), default: 0]
            places[index] = try adopt(copy)
        }
        let decoder = try BlockDecoder()
        for (index, member) in reader.members.enumerated() where plan.kept[index] && !plan.asFrames[index] {
            var header = member.header
            header.artifact = artifact(member.artifact)
            places[index] = try copyContent(of: index, header, from: reader, using: decoder)
        }
        return places
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
    ) throws(PackError) -> Int {
        try beginMember(header)
        do {
            try reader.streamExtents(member: index, using: decoder) { extent in
                switch extent {
                case .bytes(let bytes, _): try append(bytes)
                case .hole(let hole): try appendHole(hole.length)
                }
            }
        } catch {
            throw error as? PackError ?? PackError(.io, "\(error)")
        }
        let old = reader.members[index]
        try endMember(flags: old.flags)
        return try keepHash(old.sha256)
    }
}

/// Which blocks of an older pack can be taken over as they are.
private struct CopyPlan {
    var kept: [Bool]
    /// Kept members all of whose blocks hold kept members only.
    var asFrames: [Bool]
    var blocks: [Bool]
    var newBlocks: [Int: UInt32] = [:]

    init(_ reader: PackReader, keep: (Member) -> Bool) {
        kept = reader.members.map(keep)
        var mixed = [Bool](repeating: false, count: reader.blocks.count)
        for (index, member) in reader.members.enumerated() where !kept[index] && member.contentSize > 0 {
            for piece in reader.pieces(ofMember: index) { mixed[piece.block] = true }
        }
        asFrames = kept
        blocks = [Bool](repeating: false, count: reader.blocks.count)
        for index in reader.members.indices where kept[index] {
            let pieces = reader.pieces(ofMember: index)
            asFrames[index] = !pieces.contains { mixed[$0.block] }
            guard asFrames[index] else { continue }
            for piece in pieces { blocks[piece.block] = true }
        }
    }
}
