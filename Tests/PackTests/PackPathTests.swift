import Bytes
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

    /// Ids that end as the name of a generation does, nearly do, or have what escapes are made of; and random ones.
    private static let idsLikeGenerations: [String] = {
        var ids = [
            "a", "a.1", "a.1.deadbeef", "a.1.deadbeef.2.cafebabe", "a.2.cafebabe", "a%2E1", "a.1%2Edeadbeef",
            "a.01.deadbeef", "a.1.DEADBEEF", "a.1.deadbee", "a.1.deadbeef0", "a.+1.deadbeef", "a..deadbeef",
            "a.18446744073709551615.00000000", "a.18446744073709551616.00000000", "", ".", "1.deadbeef",
            ".1.deadbeef", "..1.deadbeef", "a~1", "a~1.1.deadbeef", "é.1.deadbeef", "a.1.deadbeef.pack",
            "a.1.deadbeef\u{301}", String(repeating: "/", count: 61) + "a.1.deadbeef",
        ]
        for count in 178...190 { ids.append(String(repeating: "a", count: count) + ".1.deadbeef") }
        var random = SplitMix64(seed: 26)
        let letters = Array("a.10debf%~-/")
        for _ in 0..<3000 {
            let start = String(
                (0..<Int.random(in: 0...6, using: &random)).compactMap { _ in letters.randomElement(using: &random) })
            let end =
                ["", ".1.deadbeef", ".0.00000000", ".\(random.next()).cafebabe"].randomElement(using: &random) ?? ""
            ids.append(start + end)
        }
        return ids
    }()

    @Test func generationsAreReadBackAndNoTwoIdsShareOne() {
        var owners: [[UInt8]: [UInt8]] = [:]
        for id in Self.idsLikeGenerations {
            let path = PackPath.folder + "/" + PackPath.relative(session: id, created: 0)
            #expect(PackPath.generation(of: path) == nil, "a first name is no generation: \(path)")
            #expect(PackPath.isPlace(path, of: id))
            var all = [path]
            for (epoch, nonce) in [(0, 0), (1, 0xDEAD_BEEF), (.max, .max)] as [(UInt64, UInt32)] {
                let generation = PackPath.generation(path, epoch: epoch, nonce: nonce)
                let back = PackPath.generation(of: generation)
                #expect(back?.path == path && back?.epoch == epoch && back?.nonce == nonce, "\(generation)")
                #expect(PackPath.isPlace(generation) && PackPath.isPlace(generation, of: id), "\(generation)")
                #expect(generation.utf8.starts(with: PackPath.generations(path).utf8))
                #expect(generation.utf8.count - path.utf8.count <= 30)
                all.append(generation)
            }
            for path in all {
                if let other = owners.updateValue(Array(id.utf8), forKey: Array(path.utf8)) {
                    #expect(other == Array(id.utf8), "\(path)")
                }
            }
        }
        #expect(
            PackPath.generation("packs/2026/11/20/a.pack", epoch: 7, nonce: 0xAB)
                == "packs/2026/11/20/a.7.000000ab.pack")
    }

    @Test func aGenerationIsAPlaceOfItsOwnSessionOnly() {
        let day = "packs/2026/11/20/"
        #expect(PackPath.isPlace(day + "a.1.deadbeef.pack", of: "a"))
        #expect(!PackPath.isPlace(day + "a.1.deadbeef.pack", of: "a.1.deadbeef"))
        #expect(PackPath.isPlace(day + "a.1%2Edeadbeef.pack", of: "a.1.deadbeef"))
        #expect(PackPath.isPlace(day + "a.1%2Edeadbeef.2.cafebabe.pack", of: "a.1.deadbeef"))
        for name in ["a.01.deadbeef", "a.1.DEADBEEF", "a.1.deadbee", "a.-1.deadbeef", "a.1.deadbeef.2", "a.b", "a."] {
            #expect(!PackPath.isPlace(day + name + ".pack", of: "a"), "\(name)")
        }
        #expect(!PackPath.isPlace(day + "a.1.deadbeef.2.cafebabe.pack", of: "a"))
        #expect(PackPath.generation(of: day + ".1.deadbeef.pack") == nil)
        #expect(PackPath.formerFileName(session: "a.1.deadbeef") == "a.1.deadbeef.pack")
        #expect(PackPath.formerFileName(session: "a") == nil)
        #expect(PackPath.isPlace(day + "a~1.pack", of: "a"))
    }

    @Test func aNameThatGetsTooLongIsCutBetweenEscapes() {
        let name = PackPath.fileName(session: String(repeating: "/", count: 61) + "a.1.deadbeef")
        #expect(name.utf8.count <= PackPath.maxNameLength)
        #expect(name.hasPrefix(String(repeating: "%2F", count: 43) + "~"))
    }
}
