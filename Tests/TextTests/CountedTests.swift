import Testing
import Text

@Suite struct CountedTests {
    @Test func onlyOneIsSingular() {
        #expect(counted(0, "pack") == "0 packs")
        #expect(counted(1, "pack") == "1 pack")
        #expect(counted(2, "pack") == "2 packs")
        #expect(counted(-1, "pack") == "-1 packs")
    }

    @Test func thePluralCanBeGiven() {
        #expect(counted(1, "entry", "entries") == "1 entry")
        #expect(counted(0, "entry", "entries") == "0 entries")
        #expect(counted(1, "session waits", "sessions wait") == "1 session waits")
        #expect(counted(3, "session waits", "sessions wait") == "3 sessions wait")
    }

    @Test func everyIntegerTypeCounts() {
        #expect(counted(UInt64.max, "byte") == "18446744073709551615 bytes")
        #expect(counted(UInt8(1), "byte") == "1 byte")
        #expect(counted(Int64(1), "byte") == "1 byte")
    }
}
