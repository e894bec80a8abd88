import Testing

@testable import Sandbox

@Suite struct ByteSupplyTests {
    private func members(_ pieces: [[UInt8]]) throws -> [[UInt8]] {
        let splitter = MemberSplitter(FixedBytes(pieces))
        var members: [[UInt8]] = []
        while let member = try splitter.next() { members.append(member) }
        return members
    }

    /// The number of bytes that a gzip member holds, from its trailer.
    private func size(_ member: [UInt8]) -> Int {
        member.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    @Test func aMemberHoldsAtMost64KiBHoweverLongThePieceIs() throws {
        let longest = MemberSplitter.longest
        #expect(longest == 65_536)
        // One line without an end, as it lies in an archive.
        let line = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
        let made = try members([line, [], [1, 2, 3]])
        #expect(made.allSatisfy { $0.starts(with: [0x1f, 0x8b, 8]) })
        #expect(made.map(size) == [longest, longest, longest, 200_000 - 3 * longest, 3])
        let cut = stride(from: 0, to: line.count, by: longest).map { Array(line[$0..<min($0 + longest, line.count)]) }
        #expect(try members(cut + [[1, 2, 3]]) == made)
    }

    @Test func aPieceOfExactlyThatLengthIsOneMember() throws {
        #expect(try members([[UInt8](repeating: 7, count: MemberSplitter.longest)]).map(size) == [65_536])
        #expect(try members([]).isEmpty)
    }
}
