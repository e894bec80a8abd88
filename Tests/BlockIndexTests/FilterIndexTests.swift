import BlockIndex
import Foundation
import Pack
import PackHome
import Testing

/// The records under `filters/`, written and queried without a search.
@Suite struct FilterIndexTests {
    private static func literal(_ text: String) -> ProbeTree { .literal(Array(text.utf8)) }

    /// What only the pack of that number contains: names without common parts, so that no filter has the bits of
    /// another.
    private static let names = ["alpha-centauri", "beta-pictoris", "gamma-draconis", "upsilon-lyrae"]

    /// Writes and records packs `s0`, `s1` and so on.
    private static func packs(_ count: Int, in store: ScratchStore) throws -> [String] {
        try (0..<count).map { number in
            let pack = try store.write("s\(number)", "common line\nonly \(names[number]) here\n")
            try store.record(pack)
            return pack
        }
    }

    @Test func aSurveyFindsThePacksThatMayContainALiteral() throws {
        let store = ScratchStore()
        let packs = try Self.packs(4, in: store)
        let sizes = try packs.map { try store.size($0) }
        let index = FilterIndex(store: store.path)
        let two = index.survey(Self.literal(Self.names[2]))
        #expect(two.candidates.map(\.pack) == [packs[2]])
        #expect(two.candidates.map(\.bytes) == [sizes[2]])
        #expect(two.candidates.first?.flags == [true])
        #expect(two.packs == 4)
        #expect(two.packBytes == sizes.reduce(0, +))
        let either = index.survey(.either([Self.literal(Self.names[3]), Self.literal(Self.names[0])]))
        #expect(either.candidates.map(\.pack) == [packs[0], packs[3]])
        #expect(index.survey(.both([Self.literal(Self.names[3]), Self.literal(Self.names[0])])).candidates.isEmpty)
        #expect(index.survey(.all).candidates.count == 4)
        #expect(index.survey(nil).candidates.isEmpty)
    }

    @Test func eachBlockHasItsOwnFlag() throws {
        let store = ScratchStore()
        let pack = try store.write("s", "epsilon-eridani first\n" + String(repeating: "common line\n", count: 30_000))
        try store.record(pack)
        let index = FilterIndex(store: store.path)
        let size = try store.size(pack)
        let present = index.answer(pack: pack, packBytes: size, to: Self.literal("epsilon-eridani"))
        #expect(present == .blocks([true, false]))
        let absent = index.answer(pack: pack, packBytes: size, to: Self.literal("nowhere-to-be-seen"))
        #expect(absent == .noBlock(of: 2))
    }

    @Test func onlyTheRecordOfThePacksSizeCounts() throws {
        let store = ScratchStore()
        let packs = try Self.packs(3, in: store)
        let earlier = try store.size(packs[1])
        _ = try store.write("s1", "common line\nonly \(Self.names[1]) here\nand epsilon-eridani, as it grew\n")
        let later = try store.size(packs[1])
        try #require(earlier != later)
        let stale = FilterIndex(store: store.path)
        #expect(stale.answer(pack: packs[1], packBytes: later, to: .all) == nil)
        try store.record(packs[1])
        let index = FilterIndex(store: store.path)
        #expect(index.packs == 3)
        #expect(index.answer(pack: packs[1], packBytes: earlier, to: .all) == nil)
        #expect(index.answer(pack: packs[1], packBytes: later, to: Self.literal("epsilon-eridani")) == .blocks([true]))
        #expect(index.answer(pack: "packs/2025/11/20/none.pack", packBytes: later, to: .all) == nil)
    }

    @Test func aRemovedPackHasNoRecordAndADayCanBeDeleted() throws {
        let store = ScratchStore()
        let packs = try Self.packs(3, in: store)
        let size = try store.size(packs[0])
        try FilterLog.remove(store: store.path, pack: packs[0])
        let index = FilterIndex(store: store.path)
        #expect(index.packs == 2)
        #expect(index.answer(pack: packs[0], packBytes: size, to: .all) == nil)
        #expect(index.survey(Self.literal(Self.names[0])).candidates.isEmpty)
        try FilterLog.removeDay(store: store.path, of: packs[1])
        #expect(FilterIndex(store: store.path).packs == 0)
    }

    @Test func aRecordAfterATornOneIsFound() throws {
        let store = ScratchStore()
        let packs = try Self.packs(3, in: store)
        let sound = try Data(contentsOf: store.rows)
        for cut in 1...9 {
            try sound.dropLast(cut).write(to: store.rows)
            #expect(FilterIndex(store: store.path).packs == 2, "\(cut) bytes short")
            try store.record(packs[2])
            let index = FilterIndex(store: store.path)
            #expect(index.packs == 3, "\(cut) bytes short")
            #expect(index.survey(Self.literal(Self.names[2])).candidates.map(\.pack) == [packs[2]])
        }
    }

    @Test func rebuildingReplacesAllRecords() throws {
        let store = ScratchStore()
        let packs = try Self.packs(3, in: store)
        try Data([1, 2, 3]).write(to: store.rows)
        let home = FolderPackHome(store: store.path)
        let paths = packs.dropFirst() + ["packs/2025/11/20/none.pack"]
        #expect(try FilterLog.rebuild(store: store.path, home: home, packs: paths) == 2)
        let index = FilterIndex(store: store.path)
        #expect(index.packs == 2)
        #expect(index.survey(Self.literal(Self.names[1])).candidates.map(\.pack) == [packs[1]])
    }

    @Test func filtersInThePackAreAskedThere() throws {
        let store = ScratchStore()
        let pack = try store.write("s", "epsilon-eridani\n")
        let size = try store.size(pack)
        let record = FilterLog.record(pack: pack, packBytes: size, filters: nil)
        try FilterLog.append(store: store.path, pack: pack, packBytes: size, record: record)
        let index = FilterIndex(store: store.path)
        #expect(index.answer(pack: pack, packBytes: size, to: Self.literal("nowhere-to-be-seen")) == .askPack)
        let survey = index.survey(Self.literal("nowhere-to-be-seen"))
        #expect(survey.candidates.map(\.pack) == [pack])
        #expect(survey.candidates.first?.flags == nil)
    }

    @Test func theRecordOfACopyIsThatOfThePackUnderTheOtherPath() throws {
        let store = ScratchStore()
        let pack = try store.write("s", "epsilon-eridani\n")
        try store.record(pack)
        let reader = try PackReader.open(path: store.path + "/" + pack)
        let copy = "packs/2025/11/20/s.1.00000001.pack"
        let index = FilterIndex(store: store.path)
        let record = try #require(index.placedRecord(of: pack, copiedTo: copy, reader))
        #expect(try record == FilterLog.placedRecord(of: copy, reader))
        #expect(index.placedRecord(of: "packs/2025/11/20/t.pack", copiedTo: copy, reader) == nil)
        // The record is for an earlier generation.
        let longer = (0..<2000).map { "\($0 &* 7919) proxima\n" }.joined()
        let next = try PackReader.open(path: store.path + "/" + store.write("s", longer))
        #expect(next.fileSize != reader.fileSize)
        #expect(index.placedRecord(of: pack, copiedTo: copy, next) == nil)
    }

    /// The child that makes a record reads hostile bytes.
    @Test func aRecordIsStoredOnlyForItsPack() throws {
        let store = ScratchStore()
        let pack = try store.write("s", "epsilon-eridani\n")
        let size = try store.size(pack)
        let record = FilterLog.record(pack: pack, packBytes: size, filters: [[UInt8](repeating: 0, count: 8)])
        func code(_ pack: String, _ size: UInt64, _ record: [UInt8]) -> BlockIndexError.Code? {
            do throws(BlockIndexError) {
                try FilterLog.append(store: store.path, pack: pack, packBytes: size, record: record)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code("packs/2025/11/20/t.pack", size, record) == .record)
        #expect(code(pack, size + 1, record) == .record)
        #expect(code(pack, size, record + record) == .record)
        #expect(code(pack, size, Array(record.dropLast(8))) == .record)
        #expect(code(pack, size, []) == .record)
        #expect(FilterIndex(store: store.path).packs == 0)
        #expect(code(pack, size, record) == nil)
        #expect(FilterIndex(store: store.path).packs == 1)
    }

    @Test func aStoreWithoutFiltersHasNoRecords() {
        let index = FilterIndex(store: "/nonexistent")
        #expect(index.packs == 0)
        #expect(index.answer(pack: "packs/2025/11/20/s.pack", packBytes: 1, to: .all) == nil)
    }
}
