import JSON
import Model

/// The body for a webhook of Discord (https://discord.com/developers/docs/resources/webhook): an embed for each event.
enum DiscordMessage {
    /// The most characters of all embeds together; Discord refuses more than 6000.
    private static let most = 5500

    static func body(_ message: OutboxMessage) -> [UInt8] {
        let text = MessageText(message)
        var left = most
        var embeds: [JSONLine] = []
        for item in text.items {
            guard left > 200 else { break }
            let embed = embed(item, most: min(left, 2000))
            left -= embed.length
            embeds.append(embed.line)
        }
        var content = embeds.count == 1 && message.events.count == 1 ? "" : escaped(text.headline)
        if let rest = text.rest { content += (content.isEmpty ? "" : "\n") + escaped(rest) }
        var line = JSONLine()
        line.add("content", MessageCut.utf16(content, most: 1900))
        line.add("embeds", embeds)
        line.add("allowed_mentions") { $0.add("parse", [String]()) }
        return line.utf8
    }

    private static func embed(_ item: MessageText.Item, most: Int) -> (line: JSONLine, length: Int) {
        var words = escaped(item.message)
        if !item.stack.isEmpty { words += "\n```\n" + code(item.stack.joined(separator: "\n")) + "\n```" }
        if !item.facts.isEmpty { words += "\n" + escaped(item.facts.joined(separator: " · ")) }
        if let command = item.command { words += "\n`" + code(command) + "`" }
        words = MessageCut.utf16(words, most: most - 150)
        if words.split(separator: "```", omittingEmptySubsequences: false).count % 2 == 0 { words += "\n```" }
        let title = MessageCut.utf16(item.title, most: 100)
        var line = JSONLine()
        line.add("title", title)
        line.add("description", words)
        line.add("url", item.link)
        return (line, words.utf16.count + title.utf16.count)
    }

    /// Escapes Markdown, mentions, emoji and addresses with backslashes.
    static func escaped(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if special.contains(scalar) { out.append("\\") }
            out.append(scalar)
            // Neither @everyone nor a user is meant, although no mention is allowed anyway.
            if scalar == "@" { out.append("\u{200B}") }
        }
        return String(out)
    }

    private static let special = Set("\\*_~`|>#[]()<@:-+.!".unicodeScalars)

    /// Text inside a code block, which only a back-tick ends.
    private static func code(_ text: String) -> String { text.replacing("`", with: "'") }
}
