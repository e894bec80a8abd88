/// A run of a member's content in a stream.
public enum MemberExtent {
    /// Stored bytes at `offset` in the member; valid during the call only.
    case bytes(UnsafeRawBufferPointer, offset: UInt64)
    /// A run of zeros that is not stored.
    case hole(Hole)
}

extension PackReader {
    /// Streams a member's content in order, with holes as extents of their own. An error thrown by `body` ends the
    /// stream and is rethrown.
    public func streamExtents(
        member index: Int, using decoder: BlockDecoder, _ body: (MemberExtent) throws -> Void
    ) throws {
        guard members.indices.contains(index) else { throw PackError(.outOfRange, "there is no member \(index)") }
        var holes = members[index].holes[...]
        var position: UInt64 = 0
        for piece in pieces(ofMember: index) {
            let raw = try decode(block: piece.block, using: decoder)
            var rest = UnsafeRawBufferPointer(rebasing: raw[piece.range])
            while rest.count > 0 {
                if let hole = holes.first, hole.offset == position {
                    try body(.hole(hole))
                    position += hole.length
                    holes.removeFirst()
                    continue
                }
                let limit = holes.first.map { $0.offset - position } ?? UInt64(rest.count)
                let count = Int(min(UInt64(rest.count), limit))
                try body(.bytes(UnsafeRawBufferPointer(rebasing: rest[..<count]), offset: position))
                position += UInt64(count)
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
        for hole in holes { try body(.hole(hole)) }
    }

    /// Streams a member's content in order, with holes as zeros in runs of at most 64 KiB. An error thrown by `body`
    /// ends the stream and is rethrown; throw one to stop early.
    public func stream(
        member index: Int, using decoder: BlockDecoder, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try streamExtents(member: index, using: decoder) { extent in
            switch extent {
            case .bytes(let bytes, _): try body(bytes)
            case .hole(let hole):
                let zeros = [UInt8](repeating: 0, count: Int(min(hole.length, 64 << 10)))
                var left = hole.length
                while left > 0 {
                    let count = Int(min(left, UInt64(zeros.count)))
                    try zeros.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                    left -= UInt64(count)
                }
            }
        }
    }

    /// Reads up to `buffer.count` bytes of a member at `offset` and returns the count; fewer only at the member's end.
    ///
    /// For more than a few reads of one member, use `content(ofMember:)`, which keeps decoded blocks.
    public func read(
        member index: Int, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(PackError) -> Int {
        try content(ofMember: index).read(at: offset, into: buffer)
    }
}
