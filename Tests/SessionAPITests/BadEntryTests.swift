import Foundation
import Testing

@testable import SessionAPI

/// One invalid entry between two valid ones.
@Suite struct BadEntryTests {
    private func read(_ entry: [UInt8], pieces: Int = .max) throws -> (ids: [String], summary: SessionListSummary) {
        let bytes =
            Array(#"{"sessions":[{"id":"before","created":1700000000000},"#.utf8) + entry
            + Array(#",{"id":"behind"}],"next":null}"#.utf8)
        var decoder = SessionListDecoder()
        var ids: [String] = []
        var start = 0
        while start < bytes.count {
            let end = start + min(pieces, bytes.count - start)
            try Array(bytes[start..<end]).withUnsafeBytes { try decoder.push($0) { ids.append($0.id) } }
            start = end
        }
        let summary = try decoder.finish { ids.append($0.id) }
        return (ids, summary)
    }

    private func entry(_ text: String) throws -> SessionEntry? {
        var found: SessionEntry?
        var decoder = SessionListDecoder()
        try Array((#"{"sessions":["# + text + "]}").utf8).withUnsafeBytes { try decoder.push($0) { found = $0 } }
        _ = try decoder.finish { found = $0 }
        return found
    }

    /// Accepted: the id is valid, whatever the rest is.
    static let taken: [(String, [UInt8])] = [
        ("half a surrogate in a label", Array(#"{"id":"odd","labels":{"a":"x\ud83d"}}"#.utf8)),
        ("half a surrogate in a label's name", Array(#"{"id":"odd","labels":{"\udc00a":"x"}}"#.utf8)),
        ("half a surrogate before the id", Array(#"{"image":"\ud800\ud800","id":"odd"}"#.utf8)),
        ("invalid UTF-8 in a tag", Array(#"{"id":"odd","tag":""#.utf8) + [0xFF, 0xC3] + Array(#""}"#.utf8)),
        ("invalid UTF-8 in a key", Array(#"{"id":"odd",""#.utf8) + [0xC0, 0x80] + Array(#"":1}"#.utf8)),
        ("a raw control character", Array("{\"id\":\"odd\",\"image\":\"a\u{1}\n\u{0}b\"}".utf8)),
        ("a raw control character in the id", Array("{\"id\":\"odd\u{1}\"}".utf8)),
        ("an escape that JSON does not know", Array(#"{"id":"odd","host":"C:\games"}"#.utf8)),
        ("a number beyond what a double holds", Array(#"{"id":"odd","created":1e999}"#.utf8)),
        ("a number beyond what a double holds in a port", Array(#"{"id":"odd","port":{"1/tcp":-1e999}}"#.utf8)),
        ("a number that is none", Array(#"{"id":"odd","created":01}"#.utf8)),
        ("a number of signs", Array(#"{"id":"odd","playerCount":-+-}"#.utf8)),
        ("a word that JSON does not know", Array(#"{"id":"odd","created":NaN,"tag":undefined}"#.utf8)),
        (
            "deep nesting",
            Array(
                (#"{"id":"odd","x":"# + String(repeating: "[", count: 9_000)
                    + String(repeating: "]", count: 9_000) + "}").utf8)
        ),
        (
            "deep nesting of objects",
            Array(
                (#"{"id":"odd","labels":"# + String(repeating: "{\"a\":", count: 600) + "1"
                    + String(repeating: "}", count: 601)).utf8)
        ),
    ]

    /// Left out: not an entry, or not whole where it matters.
    static let rejected: [(String, [UInt8], id: String?)] = [
        ("half a surrogate in the id", Array(#"{"id":"odd\ud83d","tag":"1"}"#.utf8), "odd\u{FFFD}"),
        ("invalid UTF-8 in the id", Array(#"{"id":"od"#.utf8) + [0xE9] + Array(#""}"#.utf8), "od\u{FFFD}"),
        ("a number", Array("7".utf8), nil),
        ("a word that is none", Array("nul".utf8), nil),
        ("nothing between two commas", [], nil),
        ("an array", Array(#"[{"id":"inner"}]"#.utf8), nil),
        ("no id", Array(#"{"image":"x"}"#.utf8), nil),
        ("no id, and half a surrogate", Array(#"{"image":"\ud800"}"#.utf8), nil),
        ("a missing colon", Array(#"{"id" "odd"}"#.utf8), nil),
        ("a missing comma", Array(#"{"id":"odd" "tag":"1"}"#.utf8), "odd"),
        ("a bracket of the wrong kind", Array(#"{"id":"odd","x":[1,2}"#.utf8), "odd"),
        ("a brace too many", Array(#"{"id":"odd"}}"#.utf8), nil),
        ("a key without quotes", Array(#"{id:"odd"}"#.utf8), nil),
        ("words between entries", Array(#"{"id":"odd"} and more"#.utf8), nil),
    ]

    @Test(arguments: taken) func whatHasASoundIdIsTaken(_ name: String, _ bytes: [UInt8]) throws {
        for pieces in [Int.max, 1, 7] {
            let (ids, summary) = try read(bytes, pieces: pieces)
            #expect(ids.count == 3 && ids.first == "before" && ids.last == "behind", "\(name)")
            #expect(ids.dropFirst().first?.hasPrefix("odd") == true, "\(name)")
            #expect(summary.rejected == 0 && summary.mended == 1, "\(name)")
            #expect(summary.damaged.map(\.wasTaken) == [true] && summary.damaged.first?.position == 2, "\(name)")
            #expect(summary.damaged.first?.id?.hasPrefix("odd") == true, "\(name)")
        }
    }

    @Test(arguments: rejected)
    func whatHasNotIsLeftOutAndNamed(_ name: String, _ bytes: [UInt8], _ id: String?) throws {
        for pieces in [Int.max, 1, 7] {
            let (ids, summary) = try read(bytes, pieces: pieces)
            #expect(ids.first == "before" && ids.last == "behind", "\(name)")
            #expect(ids.filter { $0 != "odd" } == ["before", "behind"], "\(name)")
            #expect(summary.rejected == 1 && summary.mended == 0, "\(name)")
            #expect(summary.damaged.count == 1 && summary.damaged.first?.id == id, "\(name)")
            #expect(summary.damaged.first?.reason.isEmpty == false, "\(name)")
        }
    }

    @Test func whatIsNoTextIsReplacedAndTheRestStays() throws {
        let text = #"{"id":"o","tag":"1\ud83d.2","created":1700000000000,"labels":{"tags":"{\"mode\":\"a\ud83d\"}"}}"#
        let odd = try #require(try entry(text))
        #expect(odd.tag == "1\u{FFFD}.2")
        #expect(odd.created == 1_700_000_000_000)
        #expect(odd.labels.tags["mode"] == "a\u{FFFD}")
        #expect(try entry(#"{"id":"a\u0000b"}"#)?.id == "a\0b")
        #expect(try entry(#"{"id":"😀","tag":"\ud83d\ude00","host":"\q"}"#)?.tag == "😀")
    }

    /// The JSON text inside the labels, as nested encoders make it: one bad value in it costs only itself.
    @Test(
        arguments: [
            (#"{\"mode\":\"duel\",\"note\":\"x\\ud83d\"}"#, "x\u{FFFD}"),
            (#"{\"note\":\"a\nb\",\"mode\":\"duel\"}"#, "a\nb"),
            (#"{\"note\":\"\\q\",\"mode\":\"duel\"}"#, "\u{FFFD}q"),
            (#"{\"note\":01,\"mode\":\"duel\"}"#, nil),
            (#"{\"note\":NaN,\"mode\":\"duel\"}"#, nil),
            (#"{\"mode\":\"duel\",\"note\":\"cut"#, "cut"),
            (#"{\"mode\":\"duel\" \"note\":1}"#, nil),
        ] as [(String, String?)])
    func oneBadValueInsideALabelCostsOnlyItself(_ text: String, _ note: String?) throws {
        for label in ["tags", "gameye"] {
            let list = "{\"id\":\"odd\",\"labels\":{\"\(label)\":\"\(text)\"}}"
            let labels = try #require(try entry(list)).labels
            let read = label == "tags" ? labels.tags : labels.platform
            #expect(read["mode"] == "duel" && read["note"] == note, "\(label): \(text)")
            let (ids, summary) = try self.read(Array(list.utf8), pieces: 7)
            #expect(ids == ["before", "odd", "behind"] && summary.rejected == 0 && summary.mended == 1)
            #expect(summary.damaged.first?.id == "odd" && summary.damaged.first?.wasTaken == true)
            #expect(summary.damaged.first?.reason.contains("inside a label") == true)
        }
    }

    @Test func wordsThatAreNoJSONStayAsTheyAre() throws {
        for text in ["latest", "{not json", "[1", ""] {
            let labels = try #require(try entry("{\"id\":\"a\",\"labels\":{\"tags\":\"\(text)\"}}")).labels
            #expect(labels.tags.isEmpty && labels.other["tags"] == text)
        }
    }

    @Test func aBadPairInTheEnvironmentDoesNotHideTheSession() throws {
        let text = #"{\"A\":\"\\ud800\",\"B\":01,\"GAMEYE_SESSION_ID\":\"s-1\"}"#
        let odd = try #require(try entry("{\"id\":\"s-1\",\"labels\":{\"env\":\"\(text)\"}}"))
        #expect(odd.labels.environmentSessionID == "s-1")
    }

    @Test func aStrayTokenDoesNotSwallowTheEntryBehindIt() throws {
        for stray in ["x", "7", "\"word\"", "nul"] {
            let text = #"{"sessions":[{"id":"a"} "# + stray + #" {"id":"b"},{"id":"c"}]}"#
            let read = try streamed(text).get()
            #expect(read.sessions.map(\.id) == ["a", "b", "c"], "\(stray)")
        }
    }

    @Test func ofDoubledFieldsTheFirstCounts() throws {
        #expect(try entry(#"{"id":"a","id":"b\ud800","tag":"\ud800"}"#)?.id == "a")
        #expect(try entry(#"{"id":"a\ud800","id":"b"}"#) == nil)
        #expect(try entry(#"{"id":"a","created":"1700000000000","created":1700000000000}"#)?.created == nil)
    }

    @Test func composedAndDecomposedAreTwo() throws {
        let text = "{\"id\":\"a\",\"labels\":{\"caf\u{E9}\":\"1\",\"cafe\u{301}\":\"2\"}}"
        let labels = try #require(try entry(text)).labels.other
        #expect(labels.count == 2)
        #expect(labels["caf\u{E9}"] == "1" && labels["cafe\u{301}"] == "2")
    }

    @Test func damageBesideTheSessionsDoesNoHarm() throws {
        for text in [
            #"{"x":"\ud800","sessions":[{"id":"a"}]}"#, #"{"\ud800":1,"sessions":[{"id":"a"}]}"#,
            #"{"x":nul,"sessions":[{"id":"a"}],"y":[1 2]}"#, #"{"sessions":[{"id":"a"}],"next":{"a" 1}}"#,
        ] {
            #expect(throws: Never.self) { try streamed(text).get() }
            #expect(try streamed(text).get().sessions.map(\.id) == ["a"], "\(text)")
        }
    }

    /// Every byte of an entry replaced by each of several bytes: the two other entries are always returned,
    /// unless the quotes do not pair up any more.
    @Test func noByteOfAnEntryHidesTheOthers() throws {
        let entry = Array(
            #"{"id":"odd","created":17e11,"labels":{"a":"\u00e9\ud83d\ude00"},"port":{"1/udp":9},"p":[null]}"#.utf8)
        var condemned = 0
        var tried = 0
        for place in entry.indices where entry[place] != UInt8(ascii: "\"") {
            for byte: UInt8 in [0, 0x0A, 0x20, 0x2C, 0x3A, 0x41, 0x5D, 0x7B, 0x7D, 0x80, 0xC3, 0xFF] {
                var bad = entry
                bad[place] = byte
                tried += 1
                guard let (ids, _) = try? read(bad), ids.contains("before"), ids.contains("behind") else {
                    // A bracket that seems to close the list itself: that is found out only behind it.
                    #expect([0x5D, 0x7B, 0x7D].contains(byte), "byte \(byte) at \(place) condemns the list")
                    condemned += 1
                    continue
                }
            }
        }
        #expect(condemned * 50 < tried, "\(condemned) of \(tried)")
    }

    /// A quote that is missing, doubled or not escaped, at each place of an entry, costs that entry and no other.
    @Test func anOddQuoteCostsOnlyItsEntry() throws {
        func entry(_ id: String) -> String {
            #"{"id":"\#(id)","image":"i","tag":"1.4","status":"exited","created":1700000000000,"#
                + #""labels":{"tags":"{\"mode\":\"duel\"}"},"port":{"1/udp":9}}"#
        }
        let odd = Array(entry("odd").utf8)
        var variants: [[UInt8]] = []
        for place in odd.indices {
            variants.append(Array(odd[..<place]) + [UInt8(ascii: "\"")] + Array(odd[place...]))
            if odd[place] == UInt8(ascii: "\"") { variants.append(Array(odd[..<place]) + Array(odd[(place + 1)...])) }
        }
        for variant in variants {
            let bytes =
                Array((#"{"sessions":["# + entry("before") + ",").utf8) + variant
                + Array((", " + entry("behind") + "," + entry("last") + #"],"next":null}"#).utf8)
            for pieces in [Int.max, 100] {
                let list = try streamed(bytes) { _ in pieces }.get()
                let ids = list.sessions.map(\.id)
                let text = String(decoding: variant, as: UTF8.self)
                #expect(ids.first == "before" && ids.suffix(2) == ["behind", "last"], "\(text): \(ids)")
                #expect(ids.count + list.rejected >= 3 && ids.count <= 4, "\(text): \(ids)")
            }
        }
    }

    @Test func anOddQuoteInTheLastEntryCostsOnlyThat() throws {
        for odd in [#"{"id":"odd","tag":"5" wide"}"#, #"{"id":"odd,"tag":"x","y":[1,{"z":2}]}"#] {
            for end in ["]}", #"],"next":null}"#, " ] , \"more\":[1,2,{}] }"] {
                let text = #"{"sessions":[{"id":"a"},"# + odd + end
                let read = try streamed(text).get()
                #expect(read.sessions.map(\.id) == ["a"] && read.rejected == 1, "\(text)")
            }
        }
    }

    @Test func aListThatIsCutNamesTheEntryItIsCutIn() {
        let text = #"{"sessions":[{"id":"a"},{"id":"b","tag":"\ud800","y":["#
        guard case .failure(let error) = streamed(text) else {
            Issue.record("a list that is cut was taken for complete")
            return
        }
        #expect(error.code == .truncated)
        #expect(error.message.contains("entry 2, at byte 24, is damaged"))
    }

    @Test func errorsAndDescriptionsAreReadWithReplacedCharacters() throws {
        let body = Array(#"{"code":"X","message":"no \ud800 luck","identifier":"i-1"}"#.utf8)
        let error = body.withUnsafeBytes {
            APIError.answer(.describeSession, session: "s", status: 404, body: $0, retryAfter: nil)
        }
        #expect(error.identifier == "i-1")
        #expect(error.message == "no \u{FFFD} luck")
        let text = Array("{\"id\":\"a\",\"status\":\"exited\",\"created\":1e999,\"tag\":\"\u{1}\\ud83d\"}".utf8)
        let mended = JSONMender.mended(text)
        let description = try JSONDecoder().decode(SessionDescription.self, from: Data(mended))
        #expect(description.session.status == .exited)
        #expect(description.session.tag == "\u{1}\u{FFFD}")
    }
}
