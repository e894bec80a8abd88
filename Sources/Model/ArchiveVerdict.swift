/// What an artifact turned out to be; one word from the unpacker to the ledger and `--json`.
///
/// An open set: a pack or a catalog of a later version may hold other words, which are kept.
public struct ArchiveVerdict: RawRepresentable, Hashable, Sendable, Codable, ExpressibleByStringLiteral {
    /// The word.
    public let rawValue: String

    /// Wraps a word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Wraps a word.
    public init(stringLiteral word: String) { rawValue = word }

    /// A whole archive: checksums right, every entry whole, both end-of-archive blocks seen.
    public static let ok = ArchiveVerdict(rawValue: "ok")
    /// A good beginning of an archive: it is truncated, lacks its end-of-archive blocks, or reached a limit.
    public static let incomplete = ArchiveVerdict(rawValue: "incomplete")
    /// Bytes are wrong: a checksum, the deflate data or a tar header; what could be read is kept.
    public static let corrupt = ArchiveVerdict(rawValue: "corrupt")
    /// Not a tar archive, compressed or not.
    public static let notAnArchive = ArchiveVerdict(rawValue: "not_an_archive")
    /// The reader died or ran out of time; only `verify` says this.
    public static let notJudged = ArchiveVerdict(rawValue: "not_judged")

    /// The words of the unpacker.
    public static let ofUnpacker: Set<ArchiveVerdict> = [.ok, .incomplete, .corrupt, .notAnArchive]
}
