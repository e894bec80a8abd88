extension TextReportFormat {
    /// Found here and read by ``Microdump``, which reads whole files of them, too.
    static let microdump = TextReportFormat(
        name: "microdump", anchors: [Anchor(53, "-----BEGIN BREAKPAD MICRODUMP-----")], ending: .ended,
        parse: { _ in nil })
}
