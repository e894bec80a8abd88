extension TextReportFormat {
    /// Found by this format and read by ``Microdump``, which also reads whole files of them.
    static let microdump = TextReportFormat(
        name: "microdump", anchors: [Anchor(53, "-----BEGIN BREAKPAD MICRODUMP-----")], ending: .ended,
        parse: { _ in nil })
}
