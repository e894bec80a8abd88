import Live
import LogSearch
import Model
import Pack
import Text

/// The sources of a search in another order than the store's.
///
/// Reads the tables of all packs that may match before it returns the first, and keeps a name and a time of each member that
/// is searched; the packs themselves are closed and opened again, because there may be more of them than open files.
final class SortedSources {
    /// A source that can be opened again.
    private enum Place {
        case pack(PackFeed.Candidate)
        case live(LiveSource)
    }

    /// A source, or one of its members, with what it is sorted by.
    private struct Item {
        let place: Int
        /// The member in the source's list without copies; nil for all of them.
        let member: Int?
        let session: String
        let path: [UInt8]
        let time: Int64
    }

    private let packs: PackFeed
    private let live: FollowedLogFeed
    private let sorting: SearchSorting
    private let filter: MemberFilter
    private var places: [Place] = []
    private var items: [Item] = []
    private var position = 0
    private var isSorted = false
    /// Asked before each table is read; the list ends once it returns true.
    var isCancelled: () -> Bool = { false }
    /// The source opened last: members of one pack often follow each other.
    private var opened: (place: Int, source: StoreSource, members: [SearchMember])?

    init(_ packs: PackFeed, _ live: FollowedLogFeed, _ sorting: SearchSorting, _ options: SearchOptions) {
        self.packs = packs
        self.live = live
        self.sorting = sorting
        filter = MemberFilter(options)
    }

    func next() -> StoreSource? {
        if !isSorted { sort() }
        while position < items.count {
            let item = items[position]
            position += 1
            guard let (source, members) = open(item.place) else { continue }
            guard let member = item.member else { return source }
            // The pack may have been replaced meanwhile.
            guard members.indices.contains(member), members[member].path == item.path else { continue }
            switch source {
            case .pack(let pack), .rest(let pack, _): return .rest(pack, [members[member]])
            case .live(let log): return .live(log.limited(to: [members[member]]))
            }
        }
        return nil
    }

    private func open(_ place: Int) -> (source: StoreSource, members: [SearchMember])? {
        if let opened, opened.place == place { return (opened.source, opened.members) }
        let source: StoreSource
        switch places[place] {
        case .live(let log): source = .live(log)
        case .pack(let candidate):
            guard let pack = packs.source(of: candidate) else { return nil }
            source = .pack(pack)
        }
        let members = filter.mergingCopies(source.members)
        opened = (place, source, members)
        return (source, members)
    }

    private func sort() {
        isSorted = true
        while !isCancelled(), let candidate = packs.nextCandidate() {
            guard let pack = packs.source(of: candidate) else { continue }
            places.append(.pack(candidate))
            add(.pack(pack))
        }
        while let log = live.next() {
            places.append(.live(log))
            add(.live(log))
        }
        let order = sorting.order
        if order != .none { items.sort { Self.precedes($0, $1, order) } }
        if sorting.isReversed { items.reverse() }
    }

    private func add(_ source: StoreSource) {
        let place = places.count - 1
        let label = source.label
        guard sorting.splitsSources else {
            items.append(Item(place: place, member: nil, session: label.session, path: [], time: label.start))
            return
        }
        for (index, member) in filter.mergingCopies(source.members).enumerated() where filter.isWanted(member) {
            // A followed log changes now.
            items.append(
                Item(
                    place: place, member: index, session: label.session, path: member.path,
                    time: member.modified ?? .max))
        }
    }

    private static func precedes(_ left: Item, _ right: Item, _ order: SearchOrder) -> Bool {
        if order == .modified || order == .created, left.time != right.time { return left.time < right.time }
        if !left.session.hasSameBytes(as: right.session) { return left.session.precedesInBytes(right.session) }
        if order == .path, left.path != right.path { return left.path.lexicographicallyPrecedes(right.path) }
        return (left.place, left.member ?? 0) < (right.place, right.member ?? 0)
    }
}
