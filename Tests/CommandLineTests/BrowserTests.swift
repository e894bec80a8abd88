import Foundation
import Testing

extension ServerSuites {
    /// The pages in a real browser: `Tests/Browser/story.py` says what it does there.
    @Suite(.serialized, .enabled(if: BrowserStage.missing == nil, "\(BrowserStage.missing ?? "")"))
    struct BrowserTests {
        @Test func aTeamFindsACrashAndResolvesIt() throws {
            let stage = BrowserStage()
            let weapon = ["Weapon::Fire(int)", "World::Tick(float)", "main"]
            let network = ["Socket::Receive(char*, int)", "Network::Poll()", "main"]
            let player = "player=76561198000000042"
            var sessions: [BrowserStage.Session] = []
            for number in 0..<6 {
                sessions.append(
                    .init(
                        id: "old-\(number)", tag: "1.4.1", labels: ["map=harbor"], hoursAgo: 50 + Double(number) * 7,
                        lines: number < 2 ? [player, "again \(player)"] : ["quiet"],
                        functions: number % 2 == 0 ? network : []))
                sessions.append(
                    .init(
                        id: "new-\(number)", tag: "1.5.0", location: "us-east", labels: ["map=arena"],
                        hoursAgo: 1 + Double(number), lines: number < 3 ? [player, "again \(player)"] : ["quiet"],
                        functions: number < 4 ? weapon : []))
            }
            try stage.ingest(sessions)
            let (status, out) = try stage.play(
                "story",
                facts: [
                    "player": player, "players": 5, "fixed_in": "1.6.0", "builds": ["1.4.1", "1.5.0"],
                    "texts": [String](),
                ])
            #expect(status == 0, "\(out)")
        }

        /// Each breaks out of something, if it is not escaped.
        private static let hostile = [
            "<script>window.__hacked=1</script>",
            "\"><img src=x onerror=window.__hacked=1>",
            "' onfocus='window.__hacked=1' autofocus='",
            "\"\u{301} onmouseover=window.__hacked=1 autofocus onfocus=window.__hacked=1 x=\"\u{301}",
            "<\u{338}svg onload=window.__hacked=1>",
            "</textarea></title></style></script><script>window.__hacked=1</script>",
            "javascript:window.__hacked=1",
            "{{{title}}}{{#rows}}{{>layout}}{{/rows}}",
            "&lt;script&gt;window.__hacked=1&lt;/script&gt;",
            "right\u{202e}left\u{200b}\u{feff}hidden",
            "\u{1b}]0;title\u{7}\u{1b}[31mred",
            "../../etc/passwd?x=1#y&z%2e%2e",
            "..", "~tilde", "<!-- comment", "]]> end", "`${window.__hacked=1}`", "a  b'c\"d\\e",
        ]

        @Test func noTextOfAContainerBecomesMarkup() throws {
            let stage = BrowserStage()
            let sessions = Self.hostile.enumerated().map { number, text in
                BrowserStage.Session(
                    id: text, image: text, tag: text, location: text, labels: ["map=\(text)", "\(number)\(text)=x"],
                    hoursAgo: 1 + Double(number) / 10, lines: [text, "before \(text) after"],
                    functions: ["\(text)::run\(number)()", "main"], message: "heap-use-after-free")
            }
            try stage.ingest(sessions)
            let (status, out) = try stage.play("hostile", facts: ["player": "x", "texts": Self.hostile])
            #expect(status == 0, "\(out)")
        }
    }
}
