/// Texts that a container may choose and that must never become markup.
enum HostileText {
    /// Each breaks out of something, if it is not escaped.
    static let all = [
        "<script>window.__hacked=1</script>",
        "\"><img src=x onerror=window.__hacked=1>",
        "' onfocus='window.__hacked=1' autofocus='",
        // One character for Swift: a quote with a combining mark.
        "\"\u{301} onmouseover=window.__hacked=1 autofocus onfocus=window.__hacked=1 x=\"\u{301}",
        "<\u{338}svg onload=window.__hacked=1>",
        "</textarea></title></style></script><script>window.__hacked=1</script>",
        "javascript:window.__hacked=1",
        "{{{title}}}{{#rows}}{{>layout}}{{/rows}}",
        "&lt;script&gt;window.__hacked=1&lt;/script&gt;",
        "\u{202e}gnp.exe\u{200b}\u{feff}",
        "\u{1b}]0;title\u{7}\u{1b}[31mred",
        "line\nfeed\r\nand\ttab",
        "../../../etc/passwd?x=1#y&z",
        "--\u{e0041}\u{2028}\u{85}",
        "<!--", "]]>", "`${window.__hacked=1}`",
    ]

    /// All of them in one.
    static let joined = all.joined(separator: " ")
}
