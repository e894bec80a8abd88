import Testing

@testable import Ingest

@Suite struct RedactorTests {
    private func redact(_ text: String, _ rules: [RedactionRule], pieces: Int = .max) throws -> (String, UInt64) {
        let redactor = try Redactor(rules)
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = start + min(pieces, bytes.count - start)
            Array(bytes[start..<end]).withUnsafeBytes { redactor.push($0) { out += Array($0) } }
            start = end
        }
        redactor.finish { out += Array($0) }
        return (String(decoding: out, as: UTF8.self), redactor.counts[0] ?? 0)
    }

    private let address = RedactionRule(name: "ip", pattern: #"\b\d{1,3}(\.\d{1,3}){3}\b"#, replacement: "<ip>")
    private let mail = RedactionRule(name: "mail", pattern: #"[\w.]+@[\w.]+"#)

    @Test func whatMatchesIsReplacedWhateverThePieces() throws {
        let text = "from 10.0.0.1 to 192.168.1.250\nnothing here\r\n\nmail größe@example.org, 1.2.3.4"
        for pieces in [Int.max, 1, 3, 16] {
            let (out, count) = try redact(text, [address, mail], pieces: pieces)
            #expect(out == "from <ip> to <ip>\nnothing here\r\n\nmail [redacted], <ip>")
            #expect(count == 4)
        }
    }

    @Test func laterRulesSeeWhatEarlierOnesLeft() throws {
        let second = RedactionRule(name: "b", pattern: "<ip>:\\d+", replacement: "<host>")
        #expect(try redact("10.0.0.1:7777 up\n", [address, second]).0 == "<host> up\n")
    }

    @Test func noMatchReachesOverALine() throws {
        let greedy = RedactionRule(name: "g", pattern: "key=[^;]*", replacement: "key=?")
        #expect(try redact("key=abc\ndef; x\n", [greedy]).0 == "key=?\ndef; x\n")
        let anchored = RedactionRule(name: "a", pattern: "^secret$", replacement: "-")
        #expect(try redact("secret\nsecret x\nsecret", [anchored]).0 == "-\nsecret x\n-")
    }

    @Test func invalidBytesAndEmptyMatchesDoNoHarm() throws {
        let redactor = try Redactor([RedactionRule(name: "o", pattern: "x*|secret", replacement: "-")])
        let bytes: [UInt8] = [0xff, 0xfe, 0x41] + Array(" xx secret \u{0}\n".utf8) + [0xc3]
        var out: [UInt8] = []
        bytes.withUnsafeBytes { redactor.push($0) { out += Array($0) } }
        redactor.finish { out += Array($0) }
        #expect(out.starts(with: [0xff, 0xfe, 0x41]) && out.last == 0xc3)
        #expect(!String(decoding: out, as: UTF8.self).contains("xx"))
    }

    @Test func aPatternThatDoesNotEndCostsItsLineAndNoMore() throws {
        let slow = RedactionRule(name: "slow", pattern: "^(a|a)+(b|c)$", replacement: "-")
        let line = String(repeating: "a", count: 400)
        let (out, count) = try redact("before\n\(line)\nafter\n", [slow])
        #expect(out == "before\n[redacted: a pattern did not come to an end on this line]\nafter\n")
        #expect(count == 1)
    }

    @Test func linesLongerThanAMebibyteAreTreatedInPieces() throws {
        let word = "host 10.20.30.40 "
        let line = String(repeating: word, count: 3 * Redactor.longestLine / word.utf8.count)
        let (out, count) = try redact(line + "\nend", [address], pieces: 10_000)
        #expect(!out.contains("10.20.30.40"))
        #expect(Int(count) == line.utf8.count / word.utf8.count)
        #expect(out.hasSuffix("\nend"))
    }

    @Test func aPatternThatIsNoneIsRefused() {
        #expect(throws: IngestError.self) { try Redactor([RedactionRule(name: "x", pattern: "(")]) }
    }
}
