public import JSON

extension Shapes {
    /// The result of `export --bundle`.
    public static let bundle = JSONShape<BundleReport>(
        "Bundle", "A bundle that was written.",
        [
            .text("to", "the archive or folder") { $0.target },
            .texts("sessions", "its sessions") { $0.sessions },
            .integer("files", "their files") { $0.files },
            .unsigned("bytes", "the size of these") { $0.bytes },
            .integer("crashes", "crashes") { $0.crashes },
            .integer("symbols", "symbol files") { $0.symbols },
            .integer("left_out", "links and devices that are only listed") { $0.leftOut },
            .optionalUnsigned("redacted", "places that redaction rules replaced, with `--redact`") { $0.redacted },
            .optionalInteger("unredactable", "dumps and binary files left out, with `--redact`") { report in
                report.redacted.map { _ in report.unredactable }
            },
            .optionalInteger("unredacted_names", "names that the rules would change, but which stay, with `--redact`") {
                report in report.redacted.map { _ in report.unredactedNames }
            },
        ])

    /// A session that `ingest` took from a bundle.
    public static let ingestedSession = JSONShape<IngestReport>(
        "IngestedSession", "A session that came with a bundle.",
        [
            .text("session", "its id") { $0.session },
            .text("pack", "its pack, relative to the store") { $0.pack },
            .integer("members", "members of the whole pack") { $0.members },
            .integer("crashes", "crashes of the whole pack") { $0.crashes },
            .boolean("whole", "whether everything was read completely") { $0.isWhole },
        ])

    /// The result of `symbols fetch`.
    public static let symbolsFetched = JSONShape<SymbolFetchReport>(
        "SymbolsFetched", "What symbol servers gave, and what it changed.",
        [
            .integer("asked", "build ids that were asked for") { $0.asked },
            .integer("found", "build ids of which something came") { $0.found },
            .integer("absent", "build ids that no server has") { $0.absent },
            .unsigned("received_bytes", "bytes received") { $0.bytes },
            .object("symbols", symbolsAdded, "what the files changed in the store") { $0.symbols },
        ])
}
