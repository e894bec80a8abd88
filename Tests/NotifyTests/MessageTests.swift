import Foundation
import JSON
import Model
import Testing

@testable import Notify

@Suite struct MessageTests {
    /// What a container may put into a signature, a path or a message.
    static let hostile = [
        "<!channel> <!here> <@U012AB3CD> <https://evil.example|click>", "@everyone @here <@123> <@&456> <#789>",
        "[click](https://evil.example) **bold** ||spoiler|| ~~gone~~ # heading", "```\nend of code\n``` `x`",
        "\u{1B}[31mred\u{07}\u{202E}reversed", "&lt;!channel&gt; &amp;", "a\"b\\c\n{\"events\":[]}",
        "</script><script>",
        String(repeating: "W", count: 20_000), String(repeating: "👩‍👩‍👧‍👦", count: 3000), "",
    ]

    private func message(_ text: String, count: Int = 1) -> OutboxMessage {
        OutboxMessage(
            (0..<count).map { index in
                var event = TestEvents.event("\(index)", message: text)
                (event.signature, event.image, event.tag, event.location, event.session) = (
                    text, text, text, text, text
                )
                event.frames = [text, text]
                event.link = "https://salvage.studio.example/signatures/0123456789ab"
                event.command = "salvage crash 0123"
                return event
            })
    }

    @Test(arguments: hostile, [1, 40])
    func slackGetsNoMarkupOfAContainer(_ text: String, _ count: Int) throws {
        let body = SlackMessage.body(message(text, count: count))
        let value = try JSONValue(parsing: body)
        let blocks = try #require(value["blocks"]?.array)
        #expect(!blocks.isEmpty && blocks.count <= 50)
        for block in blocks {
            let whole = try #require(block["text"]?["text"]?.string)
            #expect(whole.utf16.count <= 3000)
            // The only link is the page, in front of everything.
            let page = "*<https://salvage.studio.example/signatures/0123456789ab|New crash>*"
            let words = whole.hasPrefix(page) ? String(whole.dropFirst(page.count)) : whole
            #expect(!words.contains("<") && !words.contains("@e") && !words.contains("@h"), "\(words)")
            #expect(block["text"]?["verbatim"]?.bool == true)
            #expect(words.split(separator: "```", omittingEmptySubsequences: false).count % 2 == 1, "\(words)")
            #expect(!words.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
        }
    }

    @Test(arguments: hostile, [1, 40])
    func discordGetsNoMarkupOfAContainer(_ text: String, _ count: Int) throws {
        let body = DiscordMessage.body(message(text, count: count))
        let value = try JSONValue(parsing: body)
        #expect(value["allowed_mentions"]?["parse"]?.array?.isEmpty == true)
        #expect((value["content"]?.string?.utf16.count ?? 0) <= 2000)
        let embeds = try #require(value["embeds"]?.array)
        #expect((1...10).contains(embeds.count))
        var length = 0
        for embed in embeds {
            let words = try #require(embed["description"]?.string)
            length += words.utf16.count + (embed["title"]?.string?.utf16.count ?? 0)
            #expect(words.utf16.count <= 4096)
            let parts = words.split(separator: "```", omittingEmptySubsequences: false)
            #expect(parts.count % 2 == 1, "\(words)")
            // Outside of code blocks every special character has a backslash.
            for (index, part) in parts.enumerated() where index % 2 == 0 {
                #expect(!part.contains("](") && !part.contains("<@") && !part.contains("s://"), "\(part)")
            }
        }
        #expect(length <= 6000)
    }

    @Test func othersGetTheEventsAsTheyAre() throws {
        for text in Self.hostile {
            let value = try JSONValue(parsing: EventsJSON.body(message(text, count: 2)))
            let events = try #require(value["events"]?.array)
            #expect(events.count == 2)
            #expect(events[0]["signature"]?.string == text)
            #expect(events[0]["event"]?.string == "new")
            #expect(Event(reading: events[0])?.frames == [text, text])
        }
    }

    @Test func aMessageOfManyDescribesSomeAndCountsTheRest() {
        let text = MessageText(message("m", count: 12))
        #expect(text.headline == "12 new")
        #expect(text.items.count == 5)
        #expect(text.rest?.hasPrefix("and 7 more") == true)
    }

    @Test func theSignatureIsThatOfTheStandard() {
        // The example of the specification of Standard Webhooks.
        let header = MessageSignature.header(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8),
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect(header == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func anAnswerIsShownWithoutTheSecretParts() {
        let redaction = AnswerRedaction(
            address: "https://hooks.slack.com/services/T000AAA/B000BBB/XXXXsecret", secret: "hushhush")
        let shown = redaction.shown(Array("no hook /services/T000AAA/B000BBB/XXXXsecret\u{1B}[1m, key hushhush\n".utf8))
        #expect(!shown.contains("XXXXsecret") && !shown.contains("hushhush") && !shown.contains("\u{1B}"), "\(shown)")
        let cut = redaction.shown(Array("no hook /services/T000AAA/B000BBB/XXXXsec".utf8))
        #expect(cut == "no hook /services/[redacted]/[redacted]/[redacted]" || !cut.contains("XXXXsec"), "\(cut)")
        #expect(!cut.contains("XXXXse"), "an answer may be cut off")
        #expect(redaction.shown([UInt8](repeating: 0x41, count: 100_000)).utf16.count <= 301)
    }

    @Test func theWaitOfAChannelIsSecondsOrADate() {
        #expect(HTTPPoster.retryAfter("3", serverDate: nil, now: 0) == 3000)
        #expect(HTTPPoster.retryAfter(" 0.25 ", serverDate: nil, now: 0) == 250)
        #expect(HTTPPoster.retryAfter("999999999", serverDate: nil, now: 0) == 86_400_000)
        #expect(HTTPPoster.retryAfter("soon", serverDate: nil, now: 0) == nil)
        #expect(HTTPPoster.retryAfter("-5", serverDate: nil, now: 0) == nil)
        #expect(
            HTTPPoster.retryAfter(
                "Sun, 06 Nov 1994 08:49:47 GMT", serverDate: "Sun, 06 Nov 1994 08:49:37 GMT", now: 0) == 10_000)
    }

    @Test func onlyAddressesOfTheWebAreUsed() {
        for address in ["https://hooks.example/x", "http://127.0.0.1:80/x?y=z"] {
            #expect(HTTPPoster.isUsable(address))
        }
        for address in [
            "file:///etc/passwd", "hooks.example", "https://", "https://user:word@hooks.example/", "ftp://x/",
        ] {
            #expect(!HTTPPoster.isUsable(address))
        }
    }
}
