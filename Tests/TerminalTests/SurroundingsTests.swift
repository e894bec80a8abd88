import Testing

@testable import Terminal

/// What the environment says about colour, characters and the pager.
@Suite struct SurroundingsTests {
    @Test(
        arguments: [
            ([:], true, true), ([:], false, false), (["NO_COLOR": "1"], true, false), (["NO_COLOR": ""], true, true),
            (["CLICOLOR_FORCE": "1"], false, true), (["CLICOLOR_FORCE": "0"], false, false),
            (["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], true, false), (["CLICOLOR": "0"], true, false),
            (["CLICOLOR": "0", "CLICOLOR_FORCE": "1"], true, true), (["CLICOLOR": "1"], false, false),
            (["TERM": "dumb"], true, false),
        ] as [([String: String], Bool, Bool)])
    func coloursFollowTheEnvironment(_ variables: [String: String], _ isTerminal: Bool, _ colors: Bool) {
        #expect(Style.colors(.auto, isTerminal: isTerminal) { variables[$0] } == colors)
        #expect(Style.colors(.always, isTerminal: isTerminal) { variables[$0] })
        #expect(!Style.colors(.never, isTerminal: isTerminal) { variables[$0] })
    }

    @Test(
        arguments: [
            ([:], Charset.ascii), (["LANG": "C"], .ascii), (["LANG": "C.UTF-8"], .utf8),
            (["LANG": "de_DE.utf8"], .utf8),
            (["LANG": "de_DE.UTF-8", "LC_ALL": "C"], .ascii), (["LANG": "C", "LC_CTYPE": "en_US.UTF-8"], .utf8),
            (["LANG": "de_DE.UTF-8", "LC_ALL": ""], .utf8), (["LANG": "de_DE@euro"], .ascii),
        ] as [([String: String], Charset)])
    func theLocaleNamesTheCharacters(_ variables: [String: String], _ charset: Charset) {
        #expect(Charset { variables[$0] } == charset)
    }

    @Test func asciiHasSimilarSignsAndEscapes() {
        #expect(Charset.ascii.text("·█▁…→ größe 日") == ".#_...-> gr\\u{f6}\\u{df}e \\u{65e5}")
        #expect(Charset.utf8.text("·█ größe") == "·█ größe")
        #expect(Charset.ascii.text("plain") == "plain")
    }

    @Test(
        arguments: [
            ([:], ["less", "-FRX"]), (["PAGER": "more"], ["more"]),
            (["PAGER": "more", "SALVAGE_PAGER": "less -S"], ["less", "-S"]),
            (["PAGER": "cat"], nil), (["PAGER": ""], nil), (["PAGER": "less", "SALVAGE_PAGER": ""], nil),
            (["TERM": "dumb"], nil), (["PAGER": "LESS=R less"], ["/bin/sh", "-c", "LESS=R less"]),
            (["PAGER": "tee /tmp/x | less"], ["/bin/sh", "-c", "tee /tmp/x | less"]),
        ] as [([String: String], [String]?)])
    func theEnvironmentNamesThePager(_ variables: [String: String], _ words: [String]?) {
        #expect(PagerCommand { variables[$0] }?.words == words)
    }
}
