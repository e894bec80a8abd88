import BlockIndex
import Pack
import Testing

@Suite struct ProbeTreeTests {
    private static let present = ProbeTree.literal(Array("Only-In-This-Block".utf8))
    private static let absent = ProbeTree.literal(Array("nowhere-to-be-seen".utf8))
    private static let filter = Array("a line that says only-in-this-block, and ends\n".utf8).withUnsafeBytes {
        BlockFilter.build($0)
    }

    private static func mayMatch(_ query: ProbeTree, format: UInt16 = BlockFilter.format) -> Bool {
        filter.withUnsafeBytes { query.mayMatch($0, format: format) }
    }

    @Test func aTreeHoldsAsItsPartsDo() {
        #expect(Self.mayMatch(Self.present))
        #expect(!Self.mayMatch(Self.absent))
        #expect(!Self.mayMatch(.both([Self.present, Self.absent])))
        #expect(Self.mayMatch(.both([Self.present, Self.present])))
        #expect(Self.mayMatch(.either([Self.present, Self.absent])))
        #expect(!Self.mayMatch(.either([Self.absent, Self.absent])))
        #expect(Self.mayMatch(.all))
        #expect(Self.mayMatch(Self.absent, format: .max), "a filter of an unknown format excludes nothing")
    }

    @Test func whatCannotExcludeABlockIsLeftOut() {
        #expect(ProbeTree.literal(Array("ab".utf8)).isAll, "too short for a gram")
        #expect(ProbeTree.literal([]).isAll)
        #expect(ProbeTree.both([]).isAll && ProbeTree.both([.all, .all]).isAll)
        #expect(ProbeTree.either([]).isAll && ProbeTree.either([Self.absent, .all]).isAll)
        guard case .probe = ProbeTree.both([.all, Self.absent]) else {
            Issue.record("one part is left, and needs no AND")
            return
        }
    }
}
