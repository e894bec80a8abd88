import Bytes
import Testing

@Suite struct HexTests {
    @Test func everyByteRoundTrips() {
        let all = (UInt8.min...UInt8.max).map { $0 }
        let text = Hex.text(all)
        // The standard library is the oracle.
        #expect(text == all.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        #expect(Hex.bytes(text) == all)
        #expect(Hex.bytes(text.uppercased()) == all)
        var upper: [UInt8] = []
        for byte in all { Hex.appendUpper(byte, to: &upper) }
        #expect(String(decoding: upper, as: UTF8.self) == text.uppercased())
    }

    @Test func onlyDigitsHaveAValue() {
        for byte in UInt8.min...UInt8.max {
            let character = Character(Unicode.Scalar(byte))
            let expected = byte < 0x80 ? character.hexDigitValue.map { UInt8($0) } : nil
            #expect(Hex.value(byte) == expected)
        }
    }

    @Test(arguments: ["0", "0g", " 1", "0x", "é1", "+1", "12 "]) func malformedTextIsRefused(_ text: String) {
        #expect(Hex.bytes(text) == nil)
    }

    @Test func integersKeepTheirWidth() {
        #expect(Hex.padded(UInt64(0xAB)) == "00000000000000ab")
        #expect(Hex.padded(UInt64.max) == "ffffffffffffffff")
        #expect(Hex.padded(UInt16(1)) == "0001")
    }
}

@Suite struct SplitMix64Tests {
    /// The first numbers of seed 1234567, as published with the reference implementation (Vigna, splitmix64.c).
    @Test func theSequenceIsThePublishedOne() {
        var random = SplitMix64(seed: 1_234_567)
        let first = (0..<5).map { _ in random.next() }
        #expect(
            first == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }
}
