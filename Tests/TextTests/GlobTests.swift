import Testing
import Text

@Suite struct GlobTests {
    @Test(arguments: [
        ("*", "", true), ("*", "anything/at all", true), ("fps-*", "fps-", true), ("fps-*", "fp", false),
        ("a?c", "abc", true), ("a?c", "ac", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false),
        ("[^a-c]x", "bx", false), ("[^a-c]x", "dx", true), ("*.*.1", "1.2.1", true), ("*.*.1", "1.2.10", false),
        ("\\*", "*", true), ("\\*", "x", false), ("\\\\", "\\", true), ("[]]", "]", true), ("[!]]", "]", false),
        ("[]-a]", "^", true), ("[a-]", "-", true), ("[-a]", "-", true), ("[a-c-e]", "-", true), ("[a-c-e]", "d", false),
        ("[\\]", "\\", true), ("[^^]", "^", false), ("[a^]", "^", true), ("*ab*cd*", "xxabyycdzz", true),
        ("ü?", "üß", true), ("[ä-ü]", "ö", true), ("[ä]", "Ã", false), ("?", "é", true), ("?", "e\u{301}", false),
        ("é", "e\u{301}", false), ("*??", "😀", false), ("", "", true), ("", "a", false), ("a/*", "a/b/c", true),
        ("[c-a]", "b", true), ("[", "[", true), ("[a", "[a", true), ("[!", "[!", true), ("[]", "[]", true),
        ("a\\", "a\\", true), ("*a", "aaa", true), ("**", "", true), ("a**b", "a/b", true),
    ])
    func matchesTexts(_ glob: String, _ text: String, _ matches: Bool) {
        #expect(Glob(glob).matches(text) == matches)
    }

    @Test(arguments: [
        ("*.log", "Saved/Logs/Game.log", true), ("*.log", "Game.txt", false), ("*Saved*", "Saved/Logs/a", false),
        ("Saved", "f/Saved/", true), ("Saved/", "f/Saved/", true), ("Saved/**", "Saved/Logs/a", true),
        ("Saved/**", "Saved", false), ("Saved/**", "Saved/", false), ("Saved/*", "Saved/Logs/a", false),
        ("Saved/*", "f/Saved/a", false), ("**/Game.log", "Game.log", true), ("**/Game.log", "a/b/Game.log", true),
        ("**/Game.log", "a/b/xGame.log", false), ("a/**/b", "a/b", true), ("a/**/b", "a/xb", false),
        ("a/**/b", "a/x/y/b", true), ("a/**/b/**/c", "a/1/b/2/b/3/c", true), ("a/**/b/**/c", "a/b/c/d", false),
        ("**/a/b", "a/a/b", true), ("**/a/*/b", "a/a/b/b", true), ("a/**/**/b", "a/b", true), ("**", "a/b", true),
        ("a**/b", "ax/b", true), ("a**/b", "ax/y/b", false), ("[!a]*.txt", "b.txt", true),
        ("[!a]*.txt", "a.txt", false), ("a[!b]c/d", "a/c/d", false), ("a?c/d", "a/c/d", false),
        ("a[/]c", "a[/]c", true), ("ga?e.log", "game.log", true), ("/Saved/*.log", "/Saved/x.log", true),
        ("/Saved/*.log", "./Saved/x.log", true), ("./Saved/*.log", "Saved//x.log", true), ("/core", "core", true),
        ("/core", "a/core", false), ("core", "a/core", true), ("[", "[", true), ("\\*", "*", true),
        ("\\*", "x", false), ("", "", true), ("", "a", false), ("/", "./", true),
        ("f/Saved/*.log", "f/Saved/x.log", true),
        ("f/Saved/*.log", "f/Saved/Logs/x.log", false), ("..", "a/..", true), ("a/../b", "a/../b", true),
    ])
    func matchesPaths(_ glob: String, _ path: String, _ matches: Bool) {
        #expect(Glob(glob, separator: "/").matches(path) == matches)
    }

    @Test(arguments: [
        ("Engine::*", "Engine::Run", true), ("*[abi:cxx11]", "f[abi:cxx11]", true), ("a?", "ab", false),
        ("a?", "a?", true), ("operator[]", "operator[]", true), ("\\*", "\\x", true), ("*::*(*)", "a::b(c)", true),
    ])
    func starsOnly(_ glob: String, _ text: String, _ matches: Bool) {
        #expect(Glob(glob, wildcards: .stars).matches(text) == matches)
    }

    @Test func bytesThatAreNotUTF8AreCharacters() {
        #expect(Glob("a?b").matches([0x61, 0xFF, 0x62]))
        #expect(!Glob("a?b").matches([0x61, 0xFF, 0xFE, 0x62]))
        #expect(Glob("a[!x]b").matches([0x61, 0xC3, 0x62]))
        #expect(!Glob("a[\u{80}-\u{FFFF}]b").matches([0x61, 0xC3, 0x62]))
        #expect(Glob("a*", separator: "/").matches([0x61, 0xED, 0xA0, 0x80]))
    }

    @Test func mistakesInFilesAreReported() {
        for pattern in ["[a", "[z-a]", "\\", "[", "[!", "a/[b"] {
            #expect(throws: Glob.Malformed.self) { try Glob(checking: pattern, separator: "/") }
        }
        #expect(throws: Never.self) { try Glob(checking: "a[b-c]\\[*") }
    }

    @Test func onlyOneTextIsLiteral() {
        #expect(Glob("1.0\\*").literal == "1.0*")
        #expect(Glob("[").literal == "[")
        #expect(Glob("a*").literal == nil)
        #expect(Glob("a?").literal == nil)
        #expect(Glob("[a]").literal == nil)
    }

    /// A matcher that retries every star would need exponential time.
    @Test func hostileGlobsEnd() {
        let text = String(repeating: "a", count: 4096)
        #expect(!Glob(String(repeating: "*a", count: 60) + "b").matches(text))
        #expect(Glob(String(repeating: "*a", count: 60)).matches(text))
        let folders = String(repeating: "a/", count: 2048)
        #expect(!Glob(String(repeating: "**/a/", count: 60) + "b", separator: "/").matches(folders))
        #expect(!Glob(String(repeating: "**/*a*/", count: 60) + "b", separator: "/").matches(folders))
    }

    /// Compares with a table of all pairs of prefixes, which needs no backtracking.
    @Test func agreesWithASlowMatcher() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50_000 {
            let glob = Self.word(["a", "b", "*", "?", "/", "**", "**/", "/**", "[ab]", "[!a]", "é"], &random)
            let text = Self.word(["a", "b", "/", "é", "c"], &random)
            guard Glob(glob).matches(text) == Self.slow(Self.elements(glob), Array(text.unicodeScalars)) else {
                Issue.record("\(glob) and \(text)")
                return
            }
            let components = text.split(separator: "/").map(String.init)
            let parts = glob.split(separator: "/").map(String.init)
            let isName = !Substring(glob).reversed().drop { $0 == "/" }.contains("/")
            let expected =
                isName
                ? parts.isEmpty && components.isEmpty
                    || !parts.isEmpty && !components.isEmpty && Self.slowPath(parts, [components[components.count - 1]])
                : Self.slowPath(parts, components)
            guard Glob(glob, separator: "/").matches(text) == expected else {
                Issue.record("\(glob) and \(text) as paths: expected \(expected)")
                return
            }
        }
    }

    private static func word(_ pieces: [String], _ random: inout some RandomNumberGenerator) -> String {
        (0..<Int.random(in: 0...7, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }

    /// The elements of a glob in which sets are `[ab]` and `[!a]` only.
    private static func elements(_ glob: String) -> [String] {
        var out: [String] = []
        var rest = Substring(glob)
        while let first = rest.first {
            let length = first == "[" ? 4 : 1
            out.append(String(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return out
    }

    private static func slow(_ elements: [String], _ text: [Unicode.Scalar]) -> Bool {
        var reach = [Bool](repeating: false, count: text.count + 1)
        reach[0] = true
        for element in elements {
            var next = [Bool](repeating: false, count: text.count + 1)
            for at in 0...text.count {
                let before = at > 0 ? reach[at - 1] : false
                let scalar = at > 0 ? text[at - 1] : "\0"
                switch element {
                case "*": next[at] = reach[at] || at > 0 && next[at - 1]
                case "?": next[at] = before
                case "[ab]": next[at] = before && (scalar == "a" || scalar == "b")
                case "[!a]": next[at] = before && scalar != "a"
                default: next[at] = before && String(scalar) == element
                }
            }
            reach = next
        }
        return reach[text.count]
    }

    private static func slowPath(_ parts: [String], _ components: [String]) -> Bool {
        var reach = [Bool](repeating: false, count: components.count + 1)
        reach[0] = true
        for (index, part) in parts.enumerated() {
            var next = [Bool](repeating: false, count: components.count + 1)
            for at in 0...components.count {
                let before = at > 0 && reach[at - 1]
                if part == "**" {
                    let isLast = parts[index...].allSatisfy { $0 == "**" }
                    next[at] = at > 0 && next[at - 1] || (isLast && index + 1 == parts.count ? before : reach[at])
                } else {
                    next[at] = before && slow(elements(part), Array(components[at - 1].unicodeScalars))
                }
            }
            reach = next
        }
        return reach[components.count]
    }
}
