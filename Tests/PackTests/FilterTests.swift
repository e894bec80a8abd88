import Bytes
import Testing

@testable import Pack

@Suite struct FilterTests {
    private func folded(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }
    }

    @Test func neverAFalseNegative() throws {
        var random = SplitMix64(seed: 99)
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

    /// Dots, digits and letters at every distance from the edges of the words of 64 bytes that the filter is built in.
    @Test func dottedNumbersAreNotDenied() throws {
        let numbers = [
            "10.0.0.7:27015", "194.170.157.165", "1.25.", ".5", "12345", "7.12345678", "1.2.3.4.5", "v1.4.0-rc2",
        ]
        var denied: [String] = []
        for number in numbers {
            for offset in 0..<140 {
                for behind in ["", " ", "x", "\n", " and more text behind it, long enough for another word of bytes\n"]
                {
                    let text = [UInt8](repeating: UInt8(ascii: "-"), count: offset) + (number + behind).utf8
                    let filter = text.withUnsafeBytes { BlockFilter.build($0) }
                    for start in max(0, offset - 2)..<text.count {
                        for end in (start + 1)...min(text.count, start + 20) {
                            let probe = FilterProbe(Array(text[start..<end]))
                            if !filter.withUnsafeBytes({ probe.mayMatch($0) }) {
                                denied.append("\(number) at \(offset): \(start)..<\(end)")
                            }
                        }
                    }
                }
            }
        }
        #expect(denied.isEmpty, "\(denied.prefix(5))")
    }

    /// A filter as earlier versions built it: runs of 3, 4 and 5 only, by the formula of storage/README.md.
    @Test func theFirstFormatIsReadOn() throws {
        let text = Array("lognet: 10.0.0.7:27015 closed lf261\n".utf8)
        var filter = [UInt8](repeating: 0, count: 1024)
        for length in [3, 4, 5] {
            for start in 0...(text.count - length) {
                let gram = Array(text[start..<start + length])
                let isShort = length < 5
                if isShort, gram.contains(where: { (0x30...0x39).contains($0) || $0 == 0x0A }) { continue }
                let at = Int((UInt64(Self.place(gram)) * UInt64(filter.count * 8)) >> 18)
                filter[at / 8] |= 1 << UInt8(at % 8)
            }
        }
        func may(_ literal: String, _ format: UInt16) -> Bool {
            filter.withUnsafeBytes { FilterProbe(Array(literal.utf8)).mayMatch($0, format: format) }
        }
        for start in text.indices {
            for end in (start + 1)...text.count where !text[start..<end].contains(0x0A) {
                #expect(may(String(decoding: text[start..<end], as: UTF8.self), 1))
            }
        }
        #expect(!may("10.0.0.8:27015", 1) && !may("absent", 1))
        // A filter of an unknown kind may contain anything.
        #expect(may("absent", 3) && may("absent", 0))
    }

    /// A gram's place as storage/README.md gives it.
    private static func place(_ gram: [UInt8]) -> UInt32 {
        let factors: [Int: UInt64] = [
            3: 0xD6E8_FEB8_6659_FD93, 4: 0xC2B2_AE3D_27D4_EB4F, 5: 0x9E37_79B9_7F4A_7C15,
        ]
        let value = gram.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return UInt32(((value << UInt64(64 - 8 * gram.count)) &* (factors[gram.count] ?? 0)) >> 46)
    }

    @Test func itsSizeAndSelectivityAreWorthIt() throws {
        let text = logText(PackFormat.blockSize)
        let filter = text.withUnsafeBytes { BlockFilter.build($0) }
        let set = filter.reduce(0) { $0 + $1.nonzeroBitCount }
        let load = Double(set) / Double(filter.count * 8)
        #expect(load > 0.45 && load < 0.58)
        var random = SplitMix64(seed: 5)
        var passed = 0
        for _ in 0..<1000 {
            let absent = Array("zq\(String(random.next(), radix: 36))xj".utf8)
            if filter.withUnsafeBytes({ FilterProbe(absent).mayMatch($0) }) { passed += 1 }
        }
        // Some eight grams at such a load: one in some hundreds passes.
        #expect(passed < 40)
    }

    @Test func noiseStaysBounded() throws {
        var random = SplitMix64(seed: 1)
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
