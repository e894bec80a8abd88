import Model
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
        #expect(out == "before\n[redacted: a pattern needs too many steps on this line]\nafter\n")
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

    /// A secret that crosses a cut would be kept; no cut may be crossed.
    @Test func aSecretIsFoundAtEveryOffsetAroundAWindowsEdge() throws {
        let key = RedactionRule(name: "key", pattern: "sk-[a-z0-9]{28}", replacement: "<key>")
        let secret = "sk-" + String(repeating: "a1b2", count: 7)
        let edges = [
            Redactor.longestLine, Redactor.longestLine - 4096, LongLineRedactor.window,
            LongLineRedactor.window + LongLineRedactor.longestMatch,
        ]
        let size = LongLineRedactor.window + 2 * LongLineRedactor.longestMatch
        for edge in Set(edges) {
            for offset in -(secret.utf8.count + 2)...2 {
                var line = [UInt8](repeating: UInt8(ascii: "-"), count: size)
                line.replaceSubrange(edge + offset..<edge + offset + secret.utf8.count, with: secret.utf8)
                let redactor = try Redactor([key])
                var out: [UInt8] = []
                line.withUnsafeBytes { redactor.push($0) { out += Array($0) } }
                redactor.finish { out += Array($0) }
                #expect(out.count == size - secret.utf8.count + 5, "edge \(edge), offset \(offset)")
                #expect(redactor.counts[0] == 1)
            }
        }
    }

    @Test func aLongLineGivesTheSameInAnyPieces() throws {
        let word = "größe 10.20.30.40, a@b.c; "
        let line = String(repeating: word, count: 5 * Redactor.longestLine / 2 / word.utf8.count)
        let whole = try redact(line + "\nend", [address, mail])
        #expect(whole.0.utf8.count < line.utf8.count)
        #expect(!whole.0.contains("10.20") && !whole.0.contains("a@b"))
        for pieces in [4_093, 131_072] {
            let (out, count) = try redact(line + "\nend", [address, mail], pieces: pieces)
            #expect(out == whole.0 && count == whole.1)
        }
    }

    @Test func aMatchWithoutAnEndTakesTheRestOfItsLine() throws {
        let greedy = RedactionRule(name: "g", pattern: "key=[^;]*", replacement: "key=?")
        let text = "key=" + String(repeating: "s", count: 3 * Redactor.longestLine)
        #expect(try redact("a " + text + "; more\nnext key=1; x", [greedy]).0 == "a key=?\nnext key=?; x")
        // A match that fits into a window ends where the pattern says.
        let fits = String(repeating: "-", count: Redactor.longestLine) + "key=" + String(repeating: "s", count: 900_000)
        let (out, _) = try redact(fits + "; more", [greedy], pieces: 65_536)
        #expect(out.hasSuffix("-key=?; more") && out.utf8.count == Redactor.longestLine + 11)
    }

    @Test func onlyTheEndsOfALongLineAreItsEnds() throws {
        let ends = RedactionRule(name: "e", pattern: "^x|x$", replacement: "!")
        let line = String(repeating: "x", count: 4 * Redactor.longestLine)
        let (out, count) = try redact(line + "\nx", [ends], pieces: 100_000)
        #expect(count == 3)
        #expect(out.utf8.elementsEqual(("!" + line.dropFirst(2) + "!\n!").utf8))
    }
}
