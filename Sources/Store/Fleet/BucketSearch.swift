import BlockIndex
import Catalog
import LogSearch
import Model
import PackHome
import Text

/// The packs that a search of a shared store reads, the newest days first.
///
/// The filters are asked in groups of days, each twice as many as the one before, so that a search that finds enough among
/// the newest ends early. Used by one thread at a time.
final class BucketSearch {
    /// What a search of a bucket has found out so far.
    struct Notes {
        var problems: [String] = []
        /// Bytes of filters that were read, from the cache or the bucket.
        var filterBytes: UInt64 = 0
    }

    private let catalog: Catalog
    private let reader: FilterReader
    /// Nil when the filters cannot exclude anything.
    private let query: BlockQuery?
    private let skipsExcluded: Bool
    private let includesBinary: Bool
    private let selection: Selection
    private let shard: SessionShard?
    private var groups: [[FilterObject]]
    private let objects: [FilterObject]
    private let listed: [String]
    private var ready: [BucketPack] = []
    private var position = 0
    private var seen = ByteSet()
    private var hasAsked = false
    private let note: (Notes) -> Void
    private var notes = Notes()

    /// Lists the filters.
    ///
    /// - Parameter note: called with what is known after each group; on the thread that calls ``next()``.
    init(
        _ catalog: Catalog, _ filters: any FilterObjects, _ query: LiteralQuery, _ options: SearchOptions,
        _ selection: Selection, _ shard: SessionShard?, note: @escaping (Notes) -> Void
    ) throws {
        self.catalog = catalog
        reader = FilterReader(filters)
        let prepared = BlockQuery(query)
        let asks = Self.isNarrowed(query, options)
        self.query = asks ? prepared : nil
        skipsExcluded = options.members == .matching
        includesBinary = options.asText || options.searchBinary
        self.selection = selection
        self.shard = shard
        self.note = note
        let found = asks ? try catalog.listedFilters() : []
        listed = found.map(\.key)
        objects = found.filter { !$0.isReplaced }.compactMap { FilterObject($0) }
        groups = Self.groups(objects)
    }

    /// Whether filters narrow a search down to some packs.
    static func isNarrowed(_ query: LiteralQuery, _ options: SearchOptions) -> Bool {
        options.usesFilters && !options.invert && !BlockQuery(query).probes.isAll
    }

    private static func groups(_ objects: [FilterObject]) -> [[FilterObject]] {
        let days = Dictionary(grouping: objects, by: \.day).sorted { $0.key > $1.key }.map(\.value)
        var groups: [[FilterObject]] = []
        var start = 0
        while start < days.count {
            let end = min(start + 1 << groups.count, days.count)
            groups.append(Array(days[start..<end].joined()))
            start = end
        }
        return groups
    }

    /// The next pack; nil at the end, or once the catalog cannot be asked, which is one of the problems.
    func next() -> BucketPack? {
        while position >= ready.count {
            guard !groups.isEmpty || !hasAsked else { return nil }
            hasAsked = true
            ready = []
            position = 0
            do {
                ready = try nextGroup()
            } catch {
                groups = []
                notes.problems.append("the search is not complete: \(error)")
            }
            note(notes)
        }
        position += 1
        return ready[position - 1]
    }

    private func nextGroup() throws -> [BucketPack] {
        var packs: [BucketPack] = []
        guard let query, skipsExcluded else {
            packs = try everyPack()
            groups = []
            return Self.sorted(packs)
        }
        let group = groups.isEmpty ? [] : groups.removeFirst()
        let findings = try reader.candidates(of: query.probes, in: group, includesBinary: includesBinary)
        notes.filterBytes += findings.bytesRead
        guard findings.failures.isEmpty else {
            packs = try withoutFilters(findings)
            groups = []
            return Self.sorted(packs)
        }
        let candidates = Self.byPath(findings)
        try catalog.forEachPack(selection, among: findings.candidates.map(\.pack), listed: listed) {
            pack, isUnfiltered in
            if let found = candidates[pack.pack], found.bytes == pack.packBytes {
                add(pack, found, to: &packs)
            } else if isUnfiltered {
                add(pack, nil, to: &packs)
            }
        }
        return Self.sorted(packs)
    }

    private static func byPath(_ findings: FilterFindings) -> ByteDictionary<FilterCandidate> {
        ByteDictionary(findings.candidates.map { ($0.pack, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Adds a pack once. A session that was packed again meanwhile was searched in its earlier pack.
    private func add(_ pack: SelectedPack, _ found: FilterCandidate?, to packs: inout [BucketPack]) {
        guard shard?.contains(pack.session) ?? true, seen.insert(pack.session).inserted else { return }
        packs.append(
            BucketPack(
                pack: pack.pack, bytes: pack.packBytes, label: SourceLabel(pack.identity, end: pack.ended),
                flags: found?.flags, ranges: found?.ranges))
    }

    /// All selected packs: those that the filters exclude are read for their tables only.
    private func everyPack() throws -> [BucketPack] {
        var candidates = ByteDictionary<FilterCandidate>()
        var covered = ByteDictionary<UInt64>()
        if let query {
            let findings = try reader.candidates(of: query.probes, in: objects, includesBinary: includesBinary)
            notes.filterBytes += findings.bytesRead
            candidates = Self.byPath(findings)
            // Blocks of a pack that is not known to be excluded are all read.
            for pack in try reader.packs(in: objects).candidates { covered[pack.pack] = pack.bytes }
        }
        var packs: [BucketPack] = []
        try catalog.forEachPack(selection) { pack in
            let found = candidates[pack.pack].flatMap { $0.bytes == pack.packBytes ? $0 : nil }
            add(pack, found, to: &packs)
            if found == nil, covered[pack.pack] == pack.packBytes, packs.last?.pack.hasSameBytes(as: pack.pack) == true
            {
                packs[packs.count - 1].isExcluded = true
            }
        }
        return packs
    }

    /// All remaining packs, because filters could not be read: of packs whose filters are known, those that may match; and
    /// all others.
    private func withoutFilters(_ first: FilterFindings) throws -> [BucketPack] {
        let rest = Array(groups.joined())
        guard let query else { return [] }
        let more = try reader.candidates(of: query.probes, in: rest, includesBinary: includesBinary)
        let known = try reader.packs(in: objects)
        notes.filterBytes += more.bytesRead + known.bytesRead
        for failure in first.failures + more.failures {
            notes.problems.append(
                "filters cannot be read, and packs are searched without them: \(failure.error.message) "
                    + "(\(failure.object.key))")
        }
        var candidates = Self.byPath(first)
        for candidate in more.candidates { candidates[candidate.pack] = candidate }
        var sizes = ByteDictionary<UInt64>()
        for pack in known.candidates { sizes[pack.pack] = pack.bytes }
        var packs: [BucketPack] = []
        try catalog.forEachPack(selection) { pack in
            if let found = candidates[pack.pack], found.bytes == pack.packBytes {
                add(pack, found, to: &packs)
            } else if sizes[pack.pack] != pack.packBytes {
                add(pack, nil, to: &packs)
            }
        }
        return packs
    }

    /// The newest day first; the packs of a day by their path.
    private static func sorted(_ packs: [BucketPack]) -> [BucketPack] {
        // Of `packs/2026/11/20/<name>`, what says the day.
        packs.map { (day: String(decoding: $0.pack.utf8.prefix(17), as: UTF8.self), pack: $0) }.sorted { left, right in
            left.day.hasSameBytes(as: right.day)
                ? left.pack.pack.precedesInBytes(right.pack.pack) : right.day.precedesInBytes(left.day)
        }.map(\.pack)
    }
}
