import Testing
import Text

@Suite struct EscapeTests {
    @Test(arguments: [
        ("plain text é 日本 😀", "plain text é 日本 😀"), ("a\u{1B}[2Jb\u{7}", "a\\x1b[2Jb\\x07"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\u{85}\u{9B}", "\\u{85}\\u{9b}"), ("a\u{202E}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
        ("ad\u{200B}min\u{200D}\u{2060}\u{FEFF}", "ad\\u{200b}min\\u{200d}\\u{2060}\\u{feff}"),
        ("\u{FFF9}\u{E0041}\u{7F}", "\\u{fff9}\\u{e0041}\\x7f"), ("C:\\x", "C:\\x"), ("", ""),
    ])
    func showsWhatWouldHideOrMove(_ text: String, _ shown: String) {
        #expect(Escape.display(text) == shown)
        #expect(Escape.display(Array(text.utf8)) == shown)
    }

    @Test func bytesThatAreNotUTF8() {
        #expect(
            Escape.display([0x61, 0xFF, 0xC3, 0x62, 0xED, 0xA0, 0x80, 0xE2, 0x82])
                == "a\\xff\\xc3b\\xed\\xa0\\x80\\xe2\\x82")
    }

    @Test(arguments: [
        (Escape.Layout.none, "a\\tb\\nc"), (.tabs, "a\tb\\nc"), (.tabsAndLines, "a\tb\nc"),
    ])
    func whiteSpaceStaysWhereItMay(_ layout: Escape.Layout, _ shown: String) {
        var out: [UInt8] = []
        Array("a\tb\nc".utf8).withUnsafeBytes { Escape.append($0, to: &out, keeping: layout) }
        #expect(String(decoding: out, as: UTF8.self) == shown)
    }

    @Test func pathsAreReadBack() {
        var random = SystemRandomNumberGenerator()
        let alphabet: [[UInt8]] = [
            [0x61], [0x5C], [0x0A], [0x09], [0x1B], [0xFF], [0xC3], [0xC3, 0xA9], [0xE2, 0x80, 0x8B], [0x75], [0x7B],
            [0x78], [0x38], [0x35], [0xC2, 0x85], [0xF0, 0x9F, 0x98, 0x80],
        ]
        for _ in 0..<20_000 {
            let path = (0..<Int.random(in: 0...8, using: &random)).flatMap { _ in
                alphabet.randomElement(using: &random) ?? []
            }
            let shown = Escape.path(path)
            guard Escape.path(of: shown) == path,
                shown.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x200B })
            else {
                Issue.record("\(path) is shown as \(shown)")
                return
            }
        }
    }

    @Test func otherSpellingsAreNotPrintableForms() {
        for text in ["\\x61", "\\u{61}", "\\", "\\q", "\\x1", "\\u{}", "\\u{110000}", "\\u{200B}", "a\u{200B}"] {
            #expect(Escape.path(of: text) == nil, "\(text)")
        }
    }
}

@Suite struct UTF8TextTests {
    /// The standard library's decoder, as an oracle.
    @Test func agreesWithTheStandardLibrary() {
        var random = SystemRandomNumberGenerator()
        let heads: [UInt8] = [
            0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF,
            0x90, 0x8F, 0x9F, 0xA0,
        ]
        for _ in 0..<200_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in heads.randomElement(using: &random) ?? 0
            }
            let text = String(validating: bytes, as: UTF8.self)
            let (isValid, string) = bytes.withUnsafeBytes { ($0.isUTF8, String(utf8: $0)) }
            guard isValid == (text != nil), string == text else {
                Issue.record("\(bytes)")
                return
            }
        }
    }

    @Test func scalarsAndLengths() {
        let text = "aé日😀"
        Array(text.utf8).withUnsafeBytes { bytes in
            var at = 0
            for scalar in text.unicodeScalars {
                let found = UTF8Text.scalar(bytes, at: at)
                #expect(found?.value == scalar.value)
                #expect(found?.length == String(scalar).utf8.count)
                at += found?.length ?? 1
            }
            #expect(at == bytes.count)
            #expect(UTF8Text.length(bytes, at: 2) == 1)
        }
    }

    @Test func everyBytePositionCountsForASCII() {
        for count in 0..<40 {
            var bytes = [UInt8](repeating: 0x61, count: count)
            #expect(bytes.withUnsafeBytes { $0.isASCII })
            for at in 0..<count {
                bytes[at] = 0x80
                #expect(!bytes.withUnsafeBytes { $0.isASCII })
                bytes[at] = 0x61
            }
        }
    }
}
