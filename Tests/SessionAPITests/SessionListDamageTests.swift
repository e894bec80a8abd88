import Foundation
import SessionAPI
import Testing

@Suite struct SessionListDamageTests {
    private func failure(_ text: String) -> SessionListError? {
        if case .failure(let error) = streamed(text) { error } else { nil }
    }

    @Test func errorsCarryTheByteWhereTheListIsDamaged() {
        #expect(
            failure(#"{"sessions":[]} trailing"#)
                == SessionListError(code: .malformed, offset: 16, message: "unexpected data after the list"))
        #expect(failure(#"{"sessions" []}"#)?.offset == 12)
        #expect(failure(#"{"sessions":[{"id":"a"}];}"#)?.offset == 24)
    }

    @Test func theOffsetDoesNotDependOnThePieces() {
        let bytes = Array((#"{"a":[1,2,{"b":"c"}],"sessions":[{"id":"a"},{"id":"b","created":01}]x}"#).utf8)
        let whole = streamed(bytes) { _ in Int.max }
        #expect(throws: SessionListError.self) { try whole.get() }
        for size in 1...bytes.count { #expect(streamed(bytes) { _ in size } == whole) }
    }

    @Test func entriesBeforeTheDamageHaveBeenHandedOver() {
        let text = #"{"sessions":[{"id":"one"},{"id":"two"},{"id":"thr"#
        var ids: [String] = []
        var decoder = SessionListDecoder()
        #expect(throws: SessionListError.self) {
            try Array(text.utf8).withUnsafeBytes { try decoder.push($0) { ids.append($0.id) } }
            _ = try decoder.finish { ids.append($0.id) }
        }
        #expect(ids == ["one", "two"])
    }

    @Test func everyPrefixOfAListIsTruncated() {
        let text = #"{"more":{"x":[true,null]},"sessions":[{"id":"a","port":{"1/tcp":5},"labels":{"tags":"{}"}}]}"#
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count {
            let part = Array(bytes[..<count])
            guard case .failure(let error) = streamed(part, pieces: { _ in 5 }) else {
                Issue.record("a list of \(count) of \(bytes.count) bytes was taken for complete")
                continue
            }
            #expect(error.code == .truncated)
            #expect(error.offset == count)
        }
        #expect(throws: Never.self) { try streamed(text).get() }
    }

    @Test func aPageInsteadOfJSONIsNamed() {
        #expect(failure("<html><body>502 Bad Gateway</body></html>")?.code == .markup)
        #expect(failure("\n <!DOCTYPE html>")?.code == .markup)
        #expect(failure("Service unavailable")?.code == .malformed)
        #expect(failure("")?.code == .truncated)
    }

    @Test func otherJSONIsNotAList() {
        #expect(failure("[]")?.code == .noSessions)
        #expect(failure("\"sessions\"")?.code == .noSessions)
        #expect(failure("{}")?.code == .noSessions)
        #expect(failure(#"{"sessions":null}"#)?.code == .noSessions)
        #expect(failure(#"{"sessions":{"id":"a"}}"#)?.code == .noSessions)
        #expect(failure(#"{"message":"no"}"#)?.code == .noSessions)
    }

    @Test func nestingEndsAt512() {
        func list(_ levels: Int) -> String {
            let open = String(repeating: "[", count: levels)
            let close = String(repeating: "]", count: levels)
            return #"{"x":"# + open + close + #","sessions":[]}"#
        }
        #expect(throws: Never.self) { try streamed(list(511)).get() }
        #expect(oracle(Array(list(511).utf8)) != nil)
        #expect(oracle(Array(list(512).utf8)) == nil)
        // It is not read, so the data after it is.
        #expect(throws: Never.self) { try streamed(list(512)).get() }
        #expect(throws: Never.self) { try streamed(list(1_000_000)).get() }
        let inEntry = #"{"sessions":[{"id":"a","x":"# + String(repeating: "{\"a\":", count: 509) + "1"
        #expect(failure(inEntry)?.code == .truncated)
        let deep = #"{"sessions":[{"id":"a","x":"# + String(repeating: "{\"a\":", count: 510)
        #expect(failure(deep)?.code == .truncated)
        #expect(failure(deep)?.message.contains("entry 1, at byte 13, is damaged: too many nested") == true)
    }

    /// A list with an entry and a field that are larger than what a decoder of 10,000 bytes keeps.
    private static let large: [UInt8] = {
        func long(_ letter: String, _ count: Int) -> String { String(repeating: letter, count: count) }
        let sessions = #"{"id":"a"},{"id":"b","x":"\"]},"# + long("b", 50_000) + #""},{"id":"c"}"#
        return Array(
            (#"{"more":[""# + long("m", 30_000) + #""],"sessions":["# + sessions + #"],"next":""# + long("n", 20_000)
                + #""}"#).utf8)
    }()

    @Test func aValueBeyondTheLimitIsLeftOutNamedAndNotKept() throws {
        for pieces in [1, 7, 4096, Int.max] {
            var decoder = SessionListDecoder(maximumValue: 10_000)
            var ids: [String] = []
            for start in stride(from: 0, to: Self.large.count, by: min(pieces, Self.large.count)) {
                let end = min(Self.large.count, start &+ min(pieces, Self.large.count))
                try Self.large[start..<end].withUnsafeBytes { try decoder.push($0) { ids.append($0.id) } }
            }
            let summary = try decoder.finish { ids.append($0.id) }
            #expect(summary.bytes == Int64(Self.large.count))
            // In one piece nothing has to be kept, and all of it is read.
            guard pieces != .max else {
                #expect(ids == ["a", "b", "c"])
                continue
            }
            #expect(ids == ["a", "c"])
            #expect(summary.rejected == 1 && summary.damaged.map(\.id) == ["b"])
            #expect(summary.damaged.first?.position == 2)
            #expect(summary.damaged.first?.reason == "it is larger than 10000 bytes")
        }
    }

    @Test func whatIsTooLargeIsNotKeptHoweverLongItGoesOn() throws {
        var decoder = SessionListDecoder(maximumValue: 10_000)
        let head = Array(#"{"sessions":[{"id":"long","x":""#.utf8)
        let filler = [UInt8](repeating: UInt8(ascii: "a"), count: 4_096)
        try head.withUnsafeBytes { try decoder.push($0) { _ in } }
        for _ in 0..<100 { try filler.withUnsafeBytes { try decoder.push($0) { _ in } } }
        let error = #expect(throws: SessionListError.self) { try decoder.finish { _ in } }
        #expect(error?.code == .truncated)
        #expect(decoder.summary.damaged.map(\.id) == ["long"])
    }

    @Test func aDecoderThatFailedStaysFailed() {
        var decoder = SessionListDecoder()
        let bad = Array(#"{"sessions":{}"#.utf8)
        let good = Array(#"{"sessions":[]}"#.utf8)
        let first = #expect(throws: SessionListError.self) { try bad.withUnsafeBytes { try decoder.push($0) { _ in } } }
        let second = #expect(throws: SessionListError.self) {
            try good.withUnsafeBytes { try decoder.push($0) { _ in } }
        }
        let third = #expect(throws: SessionListError.self) { try decoder.finish { _ in } }
        #expect(first == second)
        #expect(first == third)
    }

    @Test func entriesWithoutAnIdAreCountedWithTheirPlace() throws {
        let text = #"{"sessions":[ {"id":"a"}, 5, {"image":"x"}, {"id":""}, null, {"id":7}, [{"id":"b"}], {"id":"c"}]}"#
        var decoder = SessionListDecoder()
        var ids: [String] = []
        try Array(text.utf8).withUnsafeBytes { try decoder.push($0) { ids.append($0.id) } }
        let summary = try decoder.finish { ids.append($0.id) }
        #expect(ids == ["a", "c"])
        #expect(summary.rejected == 6)
        #expect(summary.damaged.map(\.position) == [2, 3, 4, 5, 6, 7])
        #expect(summary.damaged.first?.offset == 26)
        #expect(summary.damaged.allSatisfy { !$0.wasTaken && $0.id == nil })
        #expect(oracle(Array(text.utf8))?.rejected == 6)
    }

    /// The one kind of text that JSONDecoder takes and the stream decoder does not, and why: a server that promises
    /// application/json sends UTF-8 (RFC 8259 section 8.1).
    @Test func wideTextIsRefused() throws {
        let text = #"{"sessions":[{"id":"a"}]}"#
        let wide = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        #expect(oracle(wide) != nil)
        guard case .failure(let error) = streamed(wide, pieces: { _ in Int.max }) else {
            Issue.record("UTF-16 was read")
            return
        }
        #expect(error.code == .malformed)
    }

    @Test func manyLabelsDoNotTakeQuadraticTime() throws {
        // With quadratic work this would take minutes.
        let labels = (0..<60_000).map { "\"label-\($0 * 7919 % 60_000)\":\"\"" }.joined(separator: ",")
        let list = try streamed(#"{"sessions":[{"id":"a","labels":{"# + labels + "}}]}").get()
        #expect(list.sessions.first?.labels.other.count == 60_000)
    }
}
