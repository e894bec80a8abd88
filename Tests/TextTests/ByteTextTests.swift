import Testing
import Text

@Suite struct ByteTextTests {
    private let composed = "caf\u{E9}"
    private let decomposed = "cafe\u{301}"

    @Test func equivalentTextsAreTwo() {
        #expect(composed == decomposed)
        #expect(!composed.hasSameBytes(as: decomposed))
        #expect(composed.hasSameBytes(as: "caf\u{E9}"))
        #expect(ByteText(composed) != ByteText(decomposed))
        #expect(ByteText(decomposed) < ByteText(composed))
        #expect(!(composed + "/x").hasBytePrefix(decomposed))
        #expect(decomposed.hasBytePrefix("cafe"))
        #expect(("x" + decomposed).hasByteSuffix("\u{301}"))
        #expect(!composed.hasByteSuffix(decomposed))
        #expect("a".hasByteSuffix("") && "a".hasBytePrefix("") && !"a".hasByteSuffix("ba"))
        #expect(decomposed.precedesInBytes(composed))
    }

    @Test func aDictionaryKeepsThemApart() {
        var counts: ByteDictionary<Int> = [composed: 1, decomposed: 2]
        counts[composed]? += 10
        counts[decomposed, default: 0] += 20
        counts["new", default: 5] += 1
        #expect(counts[composed] == 11)
        #expect(counts[decomposed] == 22)
        #expect(counts["new"] == 6)
        #expect(counts.sortedByKey.map(\.value) == [22, 11, 6])
        #expect(counts.removeValue(forKey: composed) == 11)
        #expect(counts[composed] == nil && counts.count == 2)
        counts[decomposed] = nil
        #expect(counts.map(\.key) == ["new"])
    }

    @Test func aSetKeepsThemApart() {
        var set: ByteSet = [composed]
        #expect(!set.contains(decomposed))
        #expect(set.insert(decomposed).inserted)
        #expect(!set.insert(composed).inserted)
        #expect(set.count == 2 && set.remove(decomposed) != nil && set.contains(composed))
    }
}
