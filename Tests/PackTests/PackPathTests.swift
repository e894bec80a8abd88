import Testing

@testable import Pack

@Suite struct PackPathTests {
    @Test func namesAreSafeShortAndDistinct() {
        let long = String(repeating: "a", count: 5000)
        let ids =
            [
                "", ".", "..", "...", "/", "a/b", "../../etc/passwd", "a", "A", "-", "-rf", "a-b", "a.b", "%", "%41",
                "~",
                "\u{0}", "a\u{0}", " ", "\n", "é", "e\u{301}", "💥", long, long + "b", long + "c", "%" + long,
                String(repeating: "/", count: 70), String(repeating: "/", count: 65), String(repeating: "/", count: 66),
                String(repeating: "a", count: 195), String(repeating: "a", count: 196), "a.pack", "a%2Fb",
            ] + (0..<256).map { String(Unicode.Scalar(UInt8($0))) }
            + (0..<256).map { "x" + String(Unicode.Scalar(UInt8($0))) }
        var seen: [String: String] = [:]
        for id in ids {
            let name = PackPath.fileName(session: id)
            #expect(name.utf8.count <= PackPath.maxNameLength)
            #expect(name.hasSuffix(".pack"))
            #expect(!name.hasPrefix(".") && !name.hasPrefix("-") && name.utf8.count > 5)
            #expect(name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\") })
            if let other = seen[name] { #expect(Array(other.utf8) == Array(id.utf8), "\(name)") }
            seen[name] = id
        }
        #expect(PackPath.fileName(session: "match-1.eu_2") == "match-1.eu_2.pack")
        #expect(PackPath.fileName(session: "../x") == "%2E.%2Fx.pack")
    }

    @Test func daysAreThoseOfTheCalendar() {
        #expect(PackPath.day(0) == "1970/01/01")
        #expect(PackPath.day(951_782_400_000) == "2000/02/29")
        #expect(PackPath.day(951_782_399_999) == "2000/02/28")
        #expect(PackPath.day(1_795_219_199_999) == "2026/11/20")
        #expect(PackPath.day(4_107_542_400_000) == "2100/03/01")
        #expect(PackPath.day(.min) == "1970/01/01")
        #expect(PackPath.day(.max) == "9999/12/31")
        #expect(PackPath.relative(session: "s", created: 0) == "1970/01/01/s.pack")
    }

    @Test func namesAreReadBackFromTheirEscapedForm() {
        for text in ["", "a", "x/../é", "-.a", "a%2F", "ünïcode 😀", String(repeating: "a", count: 195)] {
            #expect(PackPath.unescaped(PackPath.escaped(text)) == text)
        }
        for name in [PackPath.escaped(String(repeating: "é", count: 200)), "a b", "%zz", "%", "a%2", "é", "%61", "~1"] {
            #expect(PackPath.unescaped(name) == (name == "%" ? "" : nil), "\(name)")
        }
    }
}
