import Model
import Testing
import Text

@testable import SalvageServer

/// What others wrote never becomes markup, on any page.
@Suite struct PageMarkupTests {
    private let plain = Dictionary(
        uniqueKeysWithValues: PageSamples(text: "plain text").html.map { ($0.name, $0.html) })

    @Test(arguments: HostileText.all + [HostileText.joined])
    func hostileTextDoesNotChangeTheMarkupOfAPage(_ text: String) throws {
        for (name, html) in PageSamples(text: text).html {
            let expected = MarkupSkeleton(try #require(plain[name])).tags
            #expect(MarkupSkeleton(html).tags == expected, "\(name) with \(Escape.display(text))")
        }
    }

    @Test func charactersThatHideOrReorderTextAreShownAsEscapes() {
        for (name, html) in PageSamples(text: HostileText.joined).html {
            let bad = html.unicodeScalars.filter { scalar in
                switch scalar.value {
                case 0x0A, 0x09: false
                case 0..<0x20, 0x7F...0x9F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: true
                default: false
                }
            }
            #expect(bad.isEmpty, "\(name)")
        }
    }

    @Test func aPageHasOneScriptAndNothingThatTheContentSecurityPolicyForbids() {
        for (name, html) in plain {
            let tags = MarkupSkeleton(html).tags
            #expect(tags.filter { $0.hasPrefix("<script") } == ["<script src defer>"], "\(name)")
            #expect(!tags.contains { $0.hasPrefix("<style") || $0.hasPrefix("<iframe") }, "\(name)")
            let attributes = tags.flatMap { $0.dropLast().split(separator: " ").dropFirst() }
            #expect(!attributes.contains { $0 == "style" || $0.hasPrefix("on") }, "\(name)")
        }
    }

    @Test func everyTemplateIsUsedAndEachTagIsClosed() {
        #expect(plain.count == 13)
        let void: Set = ["meta", "link", "input", "br", "path", "!doctype"]
        for (name, html) in plain {
            var open: [String] = []
            for tag in MarkupSkeleton(html).tags {
                let word = String(tag.dropFirst().prefix { $0 != " " && $0 != ">" })
                if word.hasPrefix("/") {
                    #expect(open.popLast() == String(word.dropFirst()), "\(name): \(tag)")
                } else if !void.contains(word) {
                    open.append(word)
                }
            }
            #expect(open.isEmpty, "\(name)")
            #expect(html.contains("</html>"), "\(name)")
        }
    }

    @Test func everyPartThatATemplateNamesIsEmbedded() {
        let names = Set(PageAssets.all.map(\.name))
        for asset in PageAssets.all where asset.name.hasSuffix(".mustache") {
            let text = String(decoding: asset.bytes, as: UTF8.self)
            #expect(!text.contains("{{{") && !text.contains("{{&"), "\(asset.name) writes a value as it is")
            for part in text.split(separator: "{{>").dropFirst() {
                let name = part.prefix { $0 != "}" }
                if name != "*page" { #expect(names.contains("\(name).mustache"), "\(asset.name) names \(name)") }
            }
        }
    }

    @Test func aPageHasOneHeadingLandmarksAndNamesForItsTables() {
        for (name, html) in plain {
            let tags = MarkupSkeleton(html).tags
            func count(_ start: String) -> Int { tags.filter { $0.hasPrefix(start) }.count }
            #expect(count("<h1") == 1, "\(name)")
            #expect(count("<main") == 1 && count("<header") == 1 && count("<footer") == 1, "\(name)")
            #expect(count("<table") == count("<caption"), "\(name)")
            #expect(!tags.contains { $0.hasPrefix("<th ") && !$0.contains("scope") }, "\(name)")
            #expect(count("<svg") == count("<title") - 1, "\(name)")
        }
    }

    @Test func theFirstPageIsSmall() throws {
        let html = try #require(plain["now"])
        let assets = try ["style.css", "page.js"].map { try #require(PageAssets.served($0)).asset.bytes.count }
        #expect(html.utf8.count + assets.reduce(0, +) < 60_000)
    }

    @Test func somebodyWhoMayOnlyReadIsOfferedNoForms() throws {
        let samples = PageSamples(text: "plain")
        let overview = samples.overview(.open, number: 0)
        let facts = SignaturePage.Facts(overview: overview, rows: [], labels: [], excerpts: [], series: [])
        let view = samples.view("/signatures/x", roles: [.read])
        let page = SignaturePage.content(facts, view, source: SourceLinks())
        #expect(!page.html(view, samples.settings).contains("name=\"action\""))
    }

    @Test func templatesAreNotServed() {
        #expect(PageAssets.served("layout.mustache") == nil)
        #expect(PageAssets.served("style.css") != nil)
    }

    @Test func theBytesOfMarkupAreEscapedWhereverTheyAre() {
        #expect(Markup.escaped("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;")
        #expect(Markup.escaped("\"\u{301}<\u{338}").utf8.elementsEqual("&quot;\u{301}&lt;\u{338}".utf8))
    }
}
