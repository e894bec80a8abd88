import Testing

@testable import Pack

@Suite struct FilterTests {
    private func folded(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }
    }

    @Test func neverAFalseNegative() throws {
        var random = Seeded(state: 99)
        var cases = 0
        for seed in 0..<50 {
            var text = logText(Int(random.next() % 60_000) + 10, seed: UInt64(seed))
            // Some with bytes of every value, some cut to odd lengths.
            if seed % 5 == 0 {
                for _ in 0..<200 { text[Int(random.next() % UInt64(text.count))] = UInt8(random.next() & 255) }
            }
            let filter = text.withUnsafeBytes { BlockFilter.build($0) }
            for _ in 0..<2100 {
                let start = Int(random.next() % UInt64(text.count))
                let length = min(1 + Int(random.next() % 40), text.count - start)
                var literal = Array(text[start..<start + length])
                if random.next() & 1 == 0 { literal = folded(literal) }
                let probe = FilterProbe(literal)
                let may = filter.withUnsafeBytes { probe.mayMatch($0) }
                if !may { Issue.record("seed \(seed): \(literal) is in the text and the filter denies it") }
                cases += 1
            }
        }
        #expect(cases >= 100_000)
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 63, 64, 65, 67, 68, 69, 4095, 4096, 4097, 4099, 4100, 4101, 8192, 8196])
    func everySubstringAtTheEdges(count: Int) throws {
        let text = Array(logText(10_000).prefix(count))
        let filter = text.withUnsafeBytes { BlockFilter.build($0) }
        for length in 1...8 where length <= count {
            for start in 0...(count - length) {
                let probe = FilterProbe(Array(text[start..<start + length]))
                #expect(filter.withUnsafeBytes { probe.mayMatch($0) })
            }
        }
    }

    @Test func itsSizeAndSelectivityAreWorthIt() throws {
        let text = logText(PackFormat.blockSize)
        let filter = text.withUnsafeBytes { BlockFilter.build($0) }
        let set = filter.reduce(0) { $0 + $1.nonzeroBitCount }
        let load = Double(set) / Double(filter.count * 8)
        #expect(load > 0.45 && load < 0.58)
        var random = Seeded(state: 5)
        var passed = 0
        for _ in 0..<1000 {
            let absent = Array("zq\(String(random.next(), radix: 36))xj".utf8)
            if filter.withUnsafeBytes({ FilterProbe(absent).mayMatch($0) }) { passed += 1 }
        }
        // Some eight grams at such a load: one in some hundreds passes.
        #expect(passed < 40)
    }

    @Test func noiseStaysBounded() throws {
        var random = Seeded(state: 1)
        let noise = (0..<PackFormat.blockSize).map { _ in UInt8(random.next() & 255) }
        let filter = noise.withUnsafeBytes { BlockFilter.build($0) }
        #expect(filter.count <= BlockFilter.maxSize)
        #expect(filter.withUnsafeBytes { FilterProbe(Array(noise[1000..<1200])).mayMatch($0) })
    }

    @Test func whatCannotBeAskedMayMatch() throws {
        let filter = Array("hello world".utf8).withUnsafeBytes { BlockFilter.build($0) }
        func may(_ text: String, leavingOut: Set<UInt8> = []) -> Bool {
            filter.withUnsafeBytes { FilterProbe(Array(text.utf8), leavingOut: leavingOut).mayMatch($0) }
        }
        #expect(may("") && may("zz") && may("9999"))
        #expect(may("HELLO"))
        #expect(!may("absent thing"))
        #expect(FilterProbe(Array("12ab".utf8)).isEmpty)
        #expect(FilterProbe(Array("kkkkkk".utf8), leavingOut: [UInt8(ascii: "k")]).isEmpty)
        let odd = [UInt8](repeating: 0, count: 7)
        #expect(odd.withUnsafeBytes { FilterProbe(Array("absent".utf8)).mayMatch($0) })
        #expect([UInt8]().withUnsafeBytes { FilterProbe(Array("absent".utf8)).mayMatch($0) })
    }

    @Test func damagedAndUnknownFiltersLetAllPass() throws {
        let scratch = try Scratch()
        try writePack([Draft("a.log", logText(400_000))], to: scratch.file("a.pack"))
        var bytes = try slurp(scratch.file("a.pack"))
        let sound = try PackReader.parse(bytes)
        let probe = FilterProbe(Array("certainly absent".utf8))
        #expect(!(try sound.filters().mayContain(block: 0, all: [probe])))
        #expect(!(try sound.filters().mayContain(block: 0, any: [probe])))
        #expect(try sound.filters().mayContain(block: 0, any: [probe, FilterProbe(Array("LogNet".utf8))]))
        let place = try #require(sound.blocks[0].filter)
        bytes[Int(place.offset) + 5] ^= 4
        let damaged = try PackReader.parse(bytes)
        let filters = try damaged.filters()
        #expect(filters.damaged == [0])
        #expect(filters.mayContain(block: 0, all: [probe]))
        #expect(!filters.mayContain(block: 1, all: [probe]))
        #expect(damaged.verify().damage.map(\.part) == [.filter])
    }
}
