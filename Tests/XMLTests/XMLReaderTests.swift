import Bytes
import Testing
import XML

@Suite struct XMLReaderTests {
    private func read(_ text: String) throws(XMLFault) -> XMLElement { try XMLReader.root(of: Array(text.utf8)) }

    @Test func elementsHaveNamesTextsAndChildren() throws {
        let root = try read(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <!-- a list -->
            <s3:Result xmlns:s3='urn:x' a = "1 > 0"><Key>a &amp; b</Key><Key><![CDATA[<c>]]>d</Key><Empty/> <Last ></Last >
            </s3:Result>

            """)
        #expect(root.name == "Result" && root.text.isEmpty)
        #expect(root.all("Key").map(\.text) == ["a & b", "<c>d"])
        #expect(root["Empty"] == XMLElement("Empty") && root.text(of: "Last") == "")
        #expect(root.text(of: "Other") == nil)
    }

    @Test func referencesStandForTheirCharacters() throws {
        #expect(try read("<a>&lt;&gt;&quot;&apos;&#65;&#x1F600;&#xe9;&#x1;</a>").text == "<>\"'A😀é\u{1}")
        for wrong in [
            "&nbsp;", "&#0;", "&#xD800;", "&#x110000;", "&#;", "&#x;", "&#+5;", "&amp", "& ", "&#99999999999999;",
        ] {
            #expect(throws: XMLFault.self) { try read("<a>\(wrong)</a>") }
        }
    }

    @Test func nothingIsDeclaredOrExpanded() {
        #expect(throws: XMLFault.self) { try read("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>") }
        #expect(throws: XMLFault.self) { try read("<a><!ENTITY b 'c'></a>") }
    }

    @Test(arguments: [
        "", " ", "text", "<", "<a", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "</a>", "<a b></a>", "<a b=c/>",
        "<a b='<'/>",
        "<a b='c'd='e'/>", "<1/>", "<a>\u{1}</a>", "<a><![CDATA[x]]</a>", "<a><!-- </a>", "<![CDATA[x]]>",
        "<a><b></a></b>",
        "<a b='", "<a:3/>", "<a:/>", "<?xml", "<a>&", "<a></a ",
    ]) func whatIsNotWellFormedIsAFault(_ text: String) {
        #expect(throws: XMLFault.self) { try read(text) }
    }

    @Test func bytesThatAreNotUTF8AreAFault() {
        #expect(throws: XMLFault.self) { try XMLReader.root(of: Array("<a>".utf8) + [0xFF] + Array("</a>".utf8)) }
    }

    @Test func depthElementsAndSizeAreBounded() throws {
        let deep = 1_000_000
        #expect(throws: XMLFault.self) { try read(String(repeating: "<a>", count: deep)) }
        var limits = XMLReader.Limits()
        limits.elements = 3
        #expect(throws: XMLFault.self) { try XMLReader.root(of: Array("<a><b/><b/><b/></a>".utf8), limits: limits) }
        #expect(try XMLReader.root(of: Array("<a><b/><b/></a>".utf8), limits: limits).children.count == 2)
        limits.bytes = 5
        #expect(throws: XMLFault.self) { try XMLReader.root(of: Array("<a></a>".utf8), limits: limits) }
    }

    @Test func damagedAnswersNeverTrap() {
        let whole = Array(
            "<?xml version='1.0'?><L a='b'><C><K>x&#x41;y</K><![CDATA[q]]><!-- c --></C><C/></L>".utf8)
        for end in 0..<whole.count { #expect(throws: XMLFault.self) { try XMLReader.root(of: Array(whole[..<end])) } }
        var random = SplitMix64(seed: 11)
        for _ in 0..<20_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // It must return; what it returns depends on the damage.
            _ = try? XMLReader.root(of: damaged)
        }
    }
}
