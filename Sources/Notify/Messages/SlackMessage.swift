import JSON
import Text

/// The body for an incoming webhook of Slack (https://api.slack.com/messaging/webhooks): blocks of mrkdwn text.
enum SlackMessage {
    static func body(_ message: OutboxMessage) -> [UInt8] {
        let text = MessageText(message)
        var blocks: [JSONLine] = []
        if message.events.count > 1 { blocks.append(section("*" + escaped(text.headline) + "*")) }
        for item in text.items {
            // Verbatim text is searched for no addresses. The page comes first, so that no long text cuts it off.
            let page = item.link.map { escaped($0).replacing("|", with: "%7C") }
            var words = page.map { "*<\($0)|\(escaped(item.title))>*" } ?? "*\(escaped(item.title))*"
            if message.events.count == 1 || !item.message.isEmpty { words += "\n" + escaped(item.message) }
            if !item.stack.isEmpty { words += "\n```" + escaped(item.stack.joined(separator: "\n")) + "```" }
            if !item.facts.isEmpty { words += "\n" + escaped(item.facts.joined(separator: " · ")) }
            if let command = item.command { words += "\n`" + escaped(command) + "`" }
            blocks.append(section(words))
        }
        if let rest = text.rest { blocks.append(section(escaped(rest))) }
        var line = JSONLine()
        line.add("text", escaped(text.headline))
        line.add("blocks", blocks)
        // Names and addresses in texts of a container must not become links or previews.
        line.add("link_names", false)
        line.add("unfurl_links", false)
        line.add("unfurl_media", false)
        return line.utf8
    }

    /// Escapes what Slack reads as markup: `&`, `<` and `>` begin links and mentions such as `<!channel>`; a back-tick
    /// would end a code block; a zero-width space after `@` keeps names from being read as mentions.
    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "`": out += "'"
            case "@": out += "@\u{200B}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static func section(_ text: String) -> JSONLine {
        var words = JSONLine()
        words.add("type", "mrkdwn")
        words.add("text", cut(text))
        words.add("verbatim", true)
        var block = JSONLine()
        block.add("type", "section")
        block.add("text", words)
        return block
    }

    /// Slack refuses a text of more than 3000 characters.
    private static func cut(_ text: String) -> String {
        let kept = MessageCut.utf16(text, most: 2900)
        let isInCode = kept.split(separator: "```", omittingEmptySubsequences: false).count % 2 == 0
        return kept + (isInCode ? "```" : "")
    }
}
