import BlockIndex
import Catalog
public import Live
public import LogSearch
public import Model
import PackHome
import Synchronization
import Text

/// The packs and followed logs of one search, in order: unless they are sorted, packs by their path, then followed logs by
/// session.
///
/// Used by one thread at a time, as `SearchEngine` guarantees.
public final class SearchSources {
    private let packs: PackFeed
    private let live: FollowedLogFeed
    private let sorted: SortedSources?
    private let bucket: BucketNotes?

    init(
        packs: PackFeed, live: FollowedLogFeed, _ sorting: SearchSorting, _ options: SearchOptions,
        bucket: BucketNotes? = nil
    ) {
        self.packs = packs
        self.live = live
        self.bucket = bucket
        sorted = sorting.sortsSources ? SortedSources(packs, live, sorting, options) : nil
    }

    /// The next source that can be read; nil at the end.
    public func next() -> StoreSource? {
        if let sorted { return sorted.next() }
        return packs.next().map { .pack($0) } ?? live.next().map { .live($0) }
    }

    /// Ends the reading of tables, where the order needs them all first, once `isCancelled` returns true.
    func end(when isCancelled: @escaping () -> Bool) { sorted?.isCancelled = isCancelled }

    /// One message for each pack or followed log that could not be read so far.
    public var problems: [String] { packs.problems + live.problems + (bucket?.value.problems ?? []) }

    /// How many bytes of filters were read of a shared store; nil for a store in a folder, which maps them.
    public var filterBytes: UInt64? { bucket?.value.filterBytes }

    /// The number of packs that the filter index has ruled out.
    public var ruledOut: Int { packs.ruledOut }
}

extension Store {
    /// The sources that a search must read.
    ///
    /// - Parameters:
    ///   - query: the literals that a match contains; packs without them are left out.
    ///   - options: how the search will be run.
    ///   - selection: the sessions.
    ///   - sorting: the order of the sources. In their own order, a shared store has the newest days first.
    ///   - scope: which part of the sessions is searched, and how much may be read.
    ///   - needsLabels: whether more of a session than its id is used. The catalog knows it better than the pack, whose
    ///     facts are those of the time when it was written.
    /// - Throws: ``StoreError`` with `searchTooLarge`, `CatalogError`, `LogSearchError` or `LiveFailure`.
    public func sources(
        for query: LiteralQuery, _ options: SearchOptions, _ selection: Selection,
        sorting: SearchSorting = SearchSorting(), scope: SearchScope = SearchScope(), needsLabels: Bool
    ) throws -> SearchSources {
        let selection = try resolved(selection)
        let live = try FollowedLogFeed(self, selection, scope.shard)
        if let bucket = try bucket() {
            try refuseLargeSearch(query, options, selection, scope)
            let notes = BucketNotes()
            let search = try BucketSearch(
                catalog(), bucket.filters, query, options, selection, scope.shard, note: { notes.value = $0 })
            let catalog = try catalog()
            let feed = PackFeed(
                home: bucket.home, options: options, newer: { Self.newer(than: $0, in: catalog) },
                supply: { search.next() })
            return SearchSources(packs: feed, live: live, sorting, options, bucket: notes)
        }
        return SearchSources(
            packs: try packs(for: query, options, selection, scope.shard, needsLabels || sorting.order == .created),
            live: live, sorting, options)
    }

    /// The pack that another machine committed since the row of one that is gone was read. Nothing is known of its blocks.
    private static func newer(than pack: BucketPack, in catalog: Catalog) -> BucketPack? {
        guard let record = try? catalog.session(pack.label.session), let path = record.pack,
            !path.hasSameBytes(as: pack.pack)
        else { return nil }
        return BucketPack(pack: path, bytes: record.packBytes, label: SourceLabel(record))
    }

    /// Refuses to read more of a bucket than anybody waits for, unless that was asked for.
    private func refuseLargeSearch(
        _ query: LiteralQuery, _ options: SearchOptions, _ selection: Selection, _ scope: SearchScope
    ) throws {
        let readsAll = !BucketSearch.isNarrowed(query, options) || options.members != .matching
        guard readsAll, !options.isNothing, !scope.allowsAll, selection.since == nil else { return }
        let size = try catalog().searchSize(selection)
        let share = size.bytes / UInt64(scope.shard?.count ?? 1)
        guard share > SearchScope.mostUnasked else { return }
        throw SearchScope.tooLarge(size, query, options)
    }

    private func packs(
        for query: LiteralQuery, _ options: SearchOptions, _ selection: Selection, _ shard: SessionShard?,
        _ needsLabels: Bool
    ) throws -> PackFeed {
        let index = FilterIndex(store: path)
        let count = PackCount(store: path)
        if selection == Selection(), shard == nil {
            // The catalog is queried while the filters are read.
            let survey = PackFeed.survey(index, query, options: options) { count.take() }
            if let survey, count.isCovered(by: survey) {
                let feed = PackFeed(home: home, survey: survey, query: query, options: options)
                if needsLabels { feed.label = { try self.catalog().session($0).map { SourceLabel($0) } } }
                return feed
            }
        } else if shard == nil, try selectsMany(selection, of: count) {
            let survey = PackFeed.survey(index, query, options: options)
            if let survey, count.isCovered(by: survey) {
                return try packs(for: query, options, selection, survey)
            }
        }
        var entries: [PackFeed.Entry] = []
        try catalog().forEachPack(selection) { pack in
            guard shard?.contains(pack.session) ?? true else { return }
            entries.append(PackFeed.Entry(pack: pack.pack, bytes: pack.packBytes, label: SourceLabel(pack)))
        }
        return PackFeed(home: home, entries: entries, index: index, query: query, options: options)
    }

    /// The selected packs among those that may match: of the others no row is read.
    private func packs(
        for query: LiteralQuery, _ options: SearchOptions, _ selection: Selection, _ survey: FilterIndex.Survey
    ) throws -> PackFeed {
        let places = ByteDictionary(
            zip(survey.candidates.map(\.pack), survey.candidates.indices), uniquingKeysWith: { first, _ in first })
        var labels = [SourceLabel?](repeating: nil, count: survey.candidates.count)
        var selected = 0
        var place: Int?
        func isCandidate(_ path: UnsafeRawBufferPointer) -> Bool {
            selected += 1
            place = places[String(decoding: path, as: UTF8.self)]
            return place != nil
        }
        try catalog().forEachPack(selection, where: isCandidate) { pack in
            if let place { labels[place] = SourceLabel(pack) }
        }
        return PackFeed(
            home: home, survey: survey, labels: labels, selected: selected, query: query, options: options)
    }

    /// Whether a selection has such a large share of the packs that reading all filters, on all cores, is faster than
    /// looking up those of each selected pack.
    private func selectsMany(_ selection: Selection, of count: PackCount) throws -> Bool {
        guard selection.sessions.isEmpty, selection.limit == nil else { return false }
        count.take()
        guard let totals = count.totals else { return false }
        var some = selection
        some.limit = max(1, totals.packs / 8)
        return try catalog().count(some) == some.limit
    }
}

/// What a search of a bucket has noted, on the threads that look up packs.
final class BucketNotes: Sendable {
    private let notes = Mutex(BucketSearch.Notes())

    var value: BucketSearch.Notes {
        get { notes.withLock { $0 } }
        set { notes.withLock { $0 = newValue } }
    }
}

/// The catalog's count of packs, taken on a thread beside the one that reads the filters.
private final class PackCount: @unchecked Sendable {
    // Unchecked: written by one thread, read after that thread has ended.
    private let store: String
    private(set) var totals: (packs: Int, bytes: UInt64)?

    init(store: String) { self.store = store }

    /// Counts the packs. If the catalog cannot be read, this reports nothing: reading its rows does.
    func take() { totals = Catalog.packTotals(store: store) }

    /// Whether the filter index has exactly the catalog's packs, so that it alone decides which of them may match.
    func isCovered(by survey: FilterIndex.Survey) -> Bool {
        totals.map { $0.packs == survey.packs && $0.bytes == survey.packBytes } ?? false
    }
}

extension SourceLabel {
    /// The label that is printed for the session of a pack.
    fileprivate init(_ pack: SelectedPack) {
        self.init(pack.identity, end: pack.ended)
    }
}
