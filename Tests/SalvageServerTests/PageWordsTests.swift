import Model
import Testing

@testable import SalvageServer
@testable import Store

/// Numbers, links and commands of the pages.
@Suite struct PageWordsTests {
    @Test func aShareAboveNothingIsNeverShownAsNothing() {
        #expect(PageWords.percent(0) == "0.0 %")
        #expect(PageWords.percent(0.00001) == "< 0.1 %")
        #expect(PageWords.percent(0.073) == "7.3 %")
        #expect(PageWords.percent(0.412) == "41 %")
        #expect(PageWords.percent(.nan) == "–")
    }

    @Test func theCrashFreeShareIsOnlyWholeIfNothingCrashed() {
        #expect(BuildsPage.free(0) == "100 %")
        #expect(BuildsPage.free(0.000001) == "99.99 %")
        #expect(BuildsPage.free(nil) == "–")
    }

    @Test func wilsonsIntervalIsThatOfTextbooks() throws {
        let interval = try #require(PageWords.interval(10, of: 100))
        #expect(abs(interval.low - 0.0552) < 0.0005)
        #expect(abs(interval.high - 0.1744) < 0.0005)
        let none = try #require(PageWords.interval(0, of: 10))
        #expect(none.low == 0 && abs(none.high - 0.2775) < 0.0005)
        #expect(PageWords.interval(0, of: 0) == nil)
    }

    @Test func aDifferenceOfFewSessionsMayBeChance() {
        #expect(Chance.compare(1, of: 10, with: 2, of: 10) == .likelyChance)
        #expect(Chance.compare(10, of: 1000, with: 60, of: 1000) == .more)
        #expect(Chance.compare(60, of: 1000, with: 10, of: 1000) == .fewer)
        #expect(Chance.compare(0, of: 0, with: 10, of: 10) == .likelyChance)
    }

    @Test func onlyLinksToTheWebBecomeLinks() {
        #expect(PageLink.web("https://tracker.example/GAME-7") != nil)
        #expect(PageLink.web("HTTP://tracker.example") != nil)
        for text in [
            "javascript:alert(1)", "data:text/html,x", " https://a", "https://a b", "GAME-7", "//evil.example",
            "https:\\\\a",
            "java\nscript:x",
        ] { #expect(PageLink.web(text) == nil, "\(text)") }
    }

    @Test func linksHoldAnyId() {
        let link = PageLink(base: "/base")
        #expect(link.session("a/b?c#d") == "/base/sessions/a%2Fb%3Fc%23d")
        #expect(link.session("..") == "/base/sessions/~..")
        #expect(link.path("/x", [("a", "1&2"), ("b", nil), ("c", "")]) == "/base/x?a=1%262")
    }

    @Test func commandsAreQuotedForAShell() {
        #expect(PageCommand.quoted("match-1.example:7777/a") == "match-1.example:7777/a")
        #expect(PageCommand.quoted("it's; rm -rf $HOME") == "'it'\\''s; rm -rf $HOME'")
        #expect(PageCommand.quoted("a\nb\u{202e}") == "$'a\\x0ab\\xe2\\x80\\xae'")
        #expect(PageCommand.quoted("") == "''")
        let query = QueryItems(pairs: [("tag", "1.5.*"), ("page", "2"), ("since", "")])
        #expect(PageCommand.flags(query) == " --tag '1.5.*'")
    }

    @Test func sourceLinksAreMadeOfTheirTemplate() {
        let links = SourceLinks(template: "https://git.example/blob/{tag}/{file}#L{line}")
        #expect(
            links.link(file: "Source/a b.cpp", line: 12, tag: "1.5")
                == "https://git.example/blob/1.5/Source/a%20b.cpp#L12")
        #expect(links.link(file: "../../x", line: nil, tag: "{file}") == "https://git.example/blob/%7Bfile%7D/x#L1")
        #expect(SourceLinks(template: "javascript:{file}").link(file: "x", line: 1, tag: nil) == nil)
        #expect(SourceLinks().link(file: "x", line: 1, tag: nil) == nil)
    }

    @Test func aBarAboveNothingIsVisibleAndAGapHasNoLine() {
        let strip = BarStrip(values: [nil, 0, 0.001, 1], most: 1, label: "x", step: 6, height: 22)
        #expect(strip.model["basePath"] == .shown("M6 22h18"))
        #expect(strip.model["barPath"] == .one(["path": .shown("M12 22v-2h5v2zM18 22v-21h5v21z")]))
        let wild = BarStrip(values: [.infinity, .nan, -1], most: 0, label: "x")
        #expect(wild.model["barPath"] == nil)
    }

    @Test func textIsCutBetweenCharacters() {
        #expect(PageModel.Value.text("aé", most: 2) == .shown("a…"))
        #expect(PageModel.Value.text("aé", most: 3) == .shown("aé"))
        #expect(PageModel.Value.line([0x61, 0x09, 0x1B, 0xFF]) == .shown("a\t\\x1b\\xff"))
    }

    @Test func filtersStayInTheAddress() {
        let view = PageView(
            link: PageLink(base: ""), now: 0, path: "/crashes",
            query: QueryItems(pairs: [("tag", "a"), ("tag", "b"), ("page", "2")]))
        #expect(view.here([("page", "3")]) == "/crashes?tag=a&tag=b&page=3")
        #expect(view.here([("page", nil)]) == "/crashes?tag=a&tag=b")
    }

    @Test func numbersHaveGroups() {
        #expect(PageWords.count(999) == "999")
        #expect(PageWords.count(1_234_567) == "1\u{2009}234\u{2009}567")
    }
}
