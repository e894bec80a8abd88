import Foundation
import Testing

/// Ids, paths and tags are bytes: texts that are equal by Unicode rules are different here.
@Suite(.serialized) struct ByteIdentityTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    private static func entry(_ id: String, tag: String = "1", created: Int64 = 1_790_000_000_000) -> String {
        #"{"id":"\#(id)","image":"game","tag":"\#(tag)","location":"eu","created":\#(created),"status":"exited"}"#
    }

    @Test func sessionsThatDifferInBytesAloneAreBothHarvested() throws {
        let (one, other) = (Self.composed, Self.decomposed)
        let entries = [Self.entry(one, tag: one), Self.entry(other, tag: other), Self.entry("plain")]
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[\#(entries.joined(separator: ","))]}"#.utf8) },
            logs: {
                Array("log of ".utf8) + $0.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") } + Array(" \($0.count)\n".utf8)
            })
        defer { fleet.server.stop() }
        let harvest = try fleet.salvage("harvest")
        #expect(harvest.status == 0, "\(harvest.out)\(harvest.err)")
        #expect(harvest.out.contains("3 harvested"), "\(harvest.out)")
        let states = try fleet.states()
        #expect(
            states == [Array(one.utf8): "harvested", Array(other.utf8): "harvested", Array("plain".utf8): "harvested"])
        #expect(try fleet.salvage("logs", one).out == "log of caf?? 5\n")
        #expect(try fleet.salvage("logs", other).out == "log of cafe?? 6\n")
        let tagged = try fleet.salvage("sessions", "--json", "--tag", other).objects
        #expect(tagged.compactMap { $0["session"] as? String }.map { Array($0.utf8) } == [Array(other.utf8)])
        #expect(try fleet.salvage("harvest").out.contains("nothing to harvest"))
        #expect(try fleet.salvage("verify").status == 0)
        try shell("rm \(fleet.scratch.path("store"))/catalog.sqlite*")
        #expect(try fleet.salvage("reindex").status == 0)
        #expect(try fleet.states() == states)
    }

    @Test func idsOfEveryKindAreSessionsOfTheirOwn() throws {
        let long = String(repeating: "x", count: 3_000)
        // As they stand in JSON: a kelvin sign, which Unicode takes for the letter; a zero; a newline, and its escape.
        let ids = [
            "K", "\u{212A}", #"n\u0000l"#, "n", #"a\nb"#, #"a\\nb"#, "../../x", "..", long, long + "y", #"e\u001b[1m"#,
        ]
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[\#(ids.map { Self.entry($0) }.joined(separator: ","))]}"#.utf8) },
            logs: { Array("log of \($0.count) bytes, \($0.reduce(0) { $0 &+ Int($1) })\n".utf8) })
        defer { fleet.server.stop() }
        let harvest = try fleet.salvage("harvest")
        #expect(harvest.status == 0 && harvest.out.contains("\(ids.count) harvested"), "\(harvest.out)\(harvest.err)")
        let states = try fleet.states()
        #expect(states.count == ids.count && states.values.allSatisfy { $0 == "harvested" }, "\(states)")
        for id in states.keys where !id.contains(0) {
            let logs = try fleet.salvage("logs", String(decoding: id, as: UTF8.self))
            #expect(logs.out == "log of \(id.count) bytes, \(id.reduce(0) { $0 + Int($1) })\n", "\(logs.err)")
        }
        #expect(try fleet.salvage("verify").status == 0)
    }

    @Test func artifactsAndMembersThatDifferInBytesAloneKeepTheirOwn() throws {
        let (one, other) = (Self.composed, Self.decomposed)
        let archives = try Scratch()
        for name in [one, other] {
            try shell(
                """
                cd \(archives.url.path) && mkdir -p '\(name).d/Saved' && cd '\(name).d/Saved' && \
                printf '%s' 'one in \(name.utf8.count)' > '\(one).txt' && \
                printf '%s' 'other in \(name.utf8.count)' > '\(other).txt' && cd .. && tar czf ../\(name.utf8.count).tgz Saved
                """)
        }
        let files = try [one, other].map {
            [UInt8](try Data(contentsOf: archives.url.appendingPathComponent("\($0.utf8.count).tgz")))
        }
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[\#(Self.entry("s"))]}"#.utf8) }, logs: { _ in Array("up\n".utf8) },
            artifact: { _, path in
                path.elementsEqual("/\(one)".utf8) ? files[0] : path.elementsEqual("/\(other)".utf8) ? files[1] : nil
            }, artifacts: ["/" + one, "/" + other])
        defer { fleet.server.stop() }
        let harvest = try fleet.salvage("harvest")
        #expect(harvest.status == 0, "\(harvest.out)\(harvest.err)")
        for (artifact, size) in [(one, 5), (other, 6)] {
            for (name, word) in [(one, "one"), (other, "other")] {
                let cat = try fleet.salvage("cat", "s", "Saved/\(name).txt", "--artifact", "/" + artifact)
                #expect(cat.status == 0 && cat.out == "\(word) in \(size)", "\(cat.out)\(cat.err)")
                let ending = try fleet.salvage("cat", "s", "\(name).txt", "--artifact", "/" + artifact)
                #expect(ending.out == "\(word) in \(size)", "\(ending.err)")
            }
        }
        #expect(try fleet.salvage("why", "s", "--json").objects.count == 4)
    }

    @Test func everyRawNameIsPrintedApartAndFoundAgain() throws {
        let scratch = try Scratch()
        // A newline, the two characters of its escape, a control character and its escape, what is no text, its escape.
        let names = [
            #"a\nb"#, #"a\\nb"#, #"a\\\\nb"#, #"c\302\205"#, #"c\205"#, #"c\\x85"#, #"d\377"#, #"d\\xff"#, #"e\033[1m"#,
        ]
        for (number, name) in names.enumerated() {
            let made = try shell(
                "cd \(scratch.url.path) && mkdir -p S && printf '%s' \(number) > \"$(printf 'S/\(name).')\"")
            try #require(made.status == 0)
        }
        try shell("cd \(scratch.url.path) && tar czf s.tgz S")
        let store = scratch.path("store")
        #expect(try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("s.tgz")]).status == 0)
        let files = try Program.run(["files", "--store", store, "--json", "s"]).objects.filter {
            $0["kind"] as? String != "directory"
        }
        let paths = files.compactMap { $0["path"] as? String }
        #expect(Set(paths.map { Array($0.utf8) }).count == names.count, "\(paths)")
        // A printed form that is another member's raw name too means that one.
        for path in paths {
            let cat = try Program.run(["cat", "--store", store, "s", path])
            #expect(cat.status == 0 && cat.out.utf8.count == 1, "\(path): \(cat.out)\(cat.err)")
            #expect(try !Program.run(["files", "--store", store, "--json", "s", path]).objects.isEmpty, "\(path)")
        }
        for (number, name) in names.enumerated() {
            let command = "\(Program.salvage.path) cat --store \(store) s \"$(printf 'S/\(name).')\""
            #expect(try shell(command).out == "\(number)", "\(name)")
            let ending = "\(Program.salvage.path) cat --store \(store) s \"$(printf '\(name).')\""
            #expect(try shell(ending).out == "\(number)", "\(name)")
        }
    }

    @Test func aReusedIdAndALiteralOneOfItsFormAreThreeRuns() throws {
        let literal = "a@1790000100000"
        let round = Mutexed(0)
        let lists = [
            [Self.entry("a")],
            // The id is used again; and there is a session whose id looks like the name of that run.
            [Self.entry("a", created: 1_790_000_100_000), Self.entry(literal, created: 1_790_000_000_000)],
        ]
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[\#(lists[round.value].joined(separator: ","))]}"#.utf8) },
            logs: { Array("round \(round.value) of ".utf8) + $0 + [0x0A] })
        defer { fleet.server.stop() }
        #expect(try fleet.salvage("harvest").out.contains("1 harvested"))
        round.value = 1
        let second = try fleet.salvage("harvest")
        #expect(second.out.contains("2 harvested"), "\(second.out)\(second.err)")
        let states = try fleet.states()
        #expect(states.count == 3 && states.values.allSatisfy { $0 == "harvested" }, "\(states)")
        #expect(try fleet.salvage("logs", "a").out == "round 0 of a\n")
        #expect(try fleet.salvage("logs", literal).out == "round 1 of a\n")
        #expect(try fleet.salvage("logs", literal + "@0").out == "round 1 of \(literal)\n")
        #expect(try fleet.salvage("harvest").out.contains("nothing to harvest"))
    }
}
