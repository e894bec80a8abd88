public import BlockIndex
import Model
internal import Pack
public import PackHome

/// Supplies a search with packs sorted by path, without those that the filter index excludes.
///
/// Used by one thread at a time, as `SearchEngine` guarantees for `nextSource`.
public final class PackFeed {
    /// A pack to search.
    public struct Entry: Sendable {
        /// Its path relative to the store.
        public var pack: String
        /// Its size in bytes, according to the catalog.
        public var bytes: UInt64
        /// The label of its session; nil to read it from the pack.
        public var label: SourceLabel?

        /// Creates an entry.
        public init(pack: String, bytes: UInt64, label: SourceLabel? = nil) {
            self.pack = pack
            self.bytes = bytes
            self.label = label
        }
    }

    /// Number of packs not opened because none of their blocks can match.
    public private(set) var ruledOut = 0
    /// Messages about packs that could not be opened.
    public private(set) var problems: [String] = []
    private let home: any PackHome
    private let query: BlockQuery?
    private let index: FilterIndex?
    private var entries: [Entry]
    private var found: [(entry: Entry, flags: [Bool]?)] = []
    private var position = 0
    private let usesFilters: Bool
    /// Supplies the packs of a bucket; nil for a feed of a list.
    private let bucket: BucketSupply?

    /// Creates a feed of the given packs.
    /// - Parameters:
    ///   - query: the pattern's literals.
    ///   - index: the filter index, if there is one.
    public init(
        home: any PackHome, entries: [Entry], index: FilterIndex?, query: LiteralQuery, options: SearchOptions
    ) {
        self.home = home
        self.entries = entries.sorted { $0.pack < $1.pack }
        self.query = Self.prepared(query, options)
        self.index = index
        usesFilters = options.usesFilters
        canSkip = options.members == .matching
        bucket = nil
    }

    /// Creates a feed of packs in a bucket, in the order in which they are supplied.
    ///
    /// While packs are searched, the next ones are looked up, and opened with few requests. The feed ends this work when it
    /// is released.
    ///
    /// - Parameters:
    ///   - newer: returns the pack of the same session that replaced one that is gone; nil if none did. Called on threads of
    ///     the feed's own, by several at once, or on the thread that uses the feed.
    ///   - supply: returns the next pack that may match, nil at the end. Called on the same threads, by one at a time.
    public init(
        home: any PackHome, options: SearchOptions,
        newer: @escaping @Sendable (BucketPack) -> BucketPack? = { _ in nil },
        supply: @escaping () -> BucketPack?
    ) {
        self.home = home
        entries = []
        query = nil
        index = nil
        usesFilters = options.usesFilters
        canSkip = true
        bucket = BucketSupply(
            home, readsBinary: options.asText || options.searchBinary, newer: newer, supply)
    }

    deinit { bucket?.stop() }

    /// Creates a feed of the packs found by a survey, which must have used the same query.
    public init(
        home: any PackHome, survey: FilterIndex.Survey, query: LiteralQuery, options: SearchOptions
    ) {
        self.home = home
        entries = []
        self.query = Self.prepared(query, options)
        index = nil
        usesFilters = options.usesFilters
        canSkip = true
        bucket = nil
        found = survey.candidates.map { (Entry(pack: $0.pack, bytes: $0.bytes), $0.flags) }
        ruledOut = survey.packs - found.count
    }

    /// Creates a feed of those packs of a selection that a survey of all packs found.
    ///
    /// - Parameters:
    ///   - labels: the labels of the selected packs, by position in the survey's candidates; nil for the others.
    ///   - selected: number of selected packs, with those that the survey did not find.
    public convenience init(
        home: any PackHome, survey: FilterIndex.Survey, labels: [SourceLabel?], selected: Int, query: LiteralQuery,
        options: SearchOptions
    ) {
        self.init(home: home, survey: survey, query: query, options: options)
        found = zip(survey.candidates, labels).compactMap { candidate, label in
            label.map { (Entry(pack: candidate.pack, bytes: candidate.bytes, label: $0), candidate.flags) }
        }
        ruledOut = selected - found.count
    }

    /// Queries the index for the packs that may match. Returns nil when the index alone cannot decide: the query has no
    /// literals, or the search needs members without a match.
    /// - Parameter work: run at the same time, on its own thread.
    public static func survey(
        _ index: FilterIndex, _ query: LiteralQuery, options: SearchOptions,
        meanwhile work: (@Sendable () -> Void)? = nil
    ) -> FilterIndex.Survey? {
        guard options.members == .matching, let query = prepared(query, options) else {
            return nil
        }
        return index.survey(query.probes, meanwhile: work)
    }

    private static func prepared(_ query: LiteralQuery, _ options: SearchOptions) -> BlockQuery? {
        let prepared = BlockQuery(query)
        // Blocks without text have no filters, but other blocks of the pack do.
        guard options.usesFilters, !options.invert, !prepared.probes.isAll else { return nil }
        return prepared
    }

    /// The next pack that may match; nil at the end.
    public func next() -> PackSource? {
        if let bucket { return nextOpened(bucket) }
        while let candidate = nextCandidate() {
            if let source = source(of: candidate) { return source }
        }
        return nil
    }

    /// A pack that may match and is not open.
    public struct Candidate: Sendable {
        let entry: Entry
        /// The blocks that may match, if the index knows.
        let flags: [Bool]?
        /// What is known of it, for a pack in a bucket.
        var inBucket: BucketPack?

        /// Its path relative to the store.
        public var pack: String { entry.pack }
    }

    /// The next pack that may match, without opening it; nil at the end.
    public func nextCandidate() -> Candidate? {
        if let bucket {
            return bucket.next().map { pack in
                Candidate(
                    entry: Entry(pack: pack.pack, bytes: pack.bytes, label: pack.label), flags: pack.flags,
                    inBucket: pack)
            }
        }
        if position < found.count {
            defer { position += 1 }
            return Candidate(entry: found[position].entry, flags: found[position].flags)
        }
        while position < entries.count {
            let entry = entries[position]
            position += 1
            var flags: [Bool]?
            if let query, let answer = index?.answer(pack: entry.pack, packBytes: entry.bytes, to: query.probes) {
                switch answer {
                case .blocks(let some): flags = some
                case .askPack: break
                case .noBlock where canSkip:
                    ruledOut += 1
                    continue
                case .noBlock(of: let count): flags = [Bool](repeating: false, count: count)
                }
            }
            return Candidate(entry: entry, flags: flags)
        }
        return nil
    }

    /// Opens a pack; nil if it cannot be opened, which is one of the ``problems``.
    public func source(of candidate: Candidate) -> PackSource? {
        if let bucket, let pack = candidate.inBucket {
            let (pack, opened) = bucket.open(pack)
            return source(opened, pack)
        }
        return open(candidate.entry, candidate.flags)
    }

    private func nextOpened(_ bucket: BucketSupply) -> PackSource? {
        while let (pack, opened) = bucket.nextOpened() {
            if let source = source(opened, pack) { return source }
        }
        return nil
    }

    private func source(_ opened: Result<PackReader, any Error>, _ pack: BucketPack) -> PackSource? {
        do {
            let reader = try opened.get()
            for damage in reader.footerDamage { problems.append("\(pack.pack): \(damage)") }
            let excluded = pack.isExcluded ? [Bool](repeating: false, count: reader.blocks.count) : nil
            return PackSource(
                reader, label: pack.label, usesFilters: usesFilters, candidates: excluded ?? pack.flags)
        } catch {
            problems.append("\(pack.pack): \(error)")
            return nil
        }
    }

    /// Returns the label of a session; nil to use the facts in its pack. Called only for packs without a label. Once it
    /// has thrown, that is reported, and the facts in the packs are used from then on.
    public var label: ((_ session: String) throws -> SourceLabel?)?
    /// Whether packs without a possible match are skipped: members without a selected line may be needed.
    private let canSkip: Bool

    private func open(_ entry: Entry, _ flags: [Bool]?) -> PackSource? {
        do {
            let reader = try home.reader(for: entry.pack, tolerant: true)
            for damage in reader.footerDamage { problems.append("\(entry.pack): \(damage)") }
            // Of another size is another generation, published since: the flags are not about its blocks.
            let flags = reader.fileSize == entry.bytes ? flags : nil
            if let known = try entry.label ?? knownLabel(reader) {
                return PackSource(reader, label: known, usesFilters: usesFilters, candidates: flags)
            }
            return try PackSource(reader, usesFilters: usesFilters, candidates: flags)
        } catch {
            problems.append("\(entry.pack): \(error)")
            return nil
        }
    }

    private func knownLabel(_ reader: PackReader) throws -> SourceLabel? {
        guard let find = label else { return nil }
        let session = try reader.session().session
        do {
            return try find(session)
        } catch {
            problems.append("sessions are described as their packs do, not as the catalog does: \(error)")
            label = nil
            return nil
        }
    }
}
