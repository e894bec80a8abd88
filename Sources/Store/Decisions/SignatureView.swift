import Bytes
import Catalog
import Digest
import Model
import Text

/// Makes overviews of signatures: the order of builds, the journal and the window are read once for all of them.
struct SignatureView {
    /// How long a signature without a window is new, in milliseconds.
    static let newFor: Int64 = 86_400_000

    /// The order of builds.
    let order: BuildOrder
    private let store: Store
    private let standings: Standings
    private let window: (since: Int64, until: Int64)
    private let now: Int64
    private let errors: Bool
    /// The place of each tag in the order.
    private let places: ByteDictionary<Int>

    /// - Parameters:
    ///   - wholes: the signatures to make overviews of.
    ///   - since: the beginning of the window (ms since 1970); without a beginning and an end, the last 24 hours.
    ///   - until: its end, exclusive.
    ///   - errors: whether the signatures are those of errors that the process survived.
    init(
        _ store: Store, _ standings: Standings, _ wholes: [SignatureSummary], since: Int64?, until: Int64?, now: Int64,
        errors: Bool
    ) throws {
        self.store = store
        self.standings = standings
        self.now = now
        self.errors = errors
        let hasWindow = since != nil || until != nil
        window = (since ?? (hasWindow ? .min : now &- Self.newFor), until ?? .max)
        var tags: ByteSet = []
        for whole in wholes { for tag in whole.tags { tags.insert(tag) } }
        tags.formUnion(standings.fixedTags)
        order = try store.buildOrder(tags)
        let sorted = order.sorted(tags)
        places = ByteDictionary(sorted.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    }

    /// Whether a text looks like an id.
    static func isID(_ text: String) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// The short id of a signature.
    static func id(_ text: String) -> String { String(Hex.text(SHA256.digest(text.utf8)).prefix(12)) }

    /// The overview of a signature.
    ///
    /// - Parameter ended: the number of selected sessions that have ended.
    func overview(of figures: SignatureFigures, ended: Int) throws -> SignatureOverview {
        let (whole, selected) = (figures.whole, figures.selected)
        let (standing, isDecided) = standings.standing(of: whole.signature)
        let ranked = whole.tags.map { (place: places[$0] ?? 0, tag: $0) }
        return SignatureOverview(
            id: Self.id(whole.signature), selected: selected,
            share: ended > 0 ? min(1, Double(selected.sessions) / Double(ended)) : nil,
            firstSeen: whole.firstSeen, lastSeen: whole.lastSeen, firstTag: ranked.min { $0.place < $1.place }?.tag,
            lastTag: ranked.max { $0.place < $1.place }?.tag,
            state: try state(of: whole, standing, isDecided: isDecided), standing: standing)
    }

    private func state(
        of whole: SignatureSummary, _ standing: SignatureStanding, isDecided: Bool
    ) throws -> SignatureState {
        guard let resolution = standing.resolution else {
            let isNew =
                !isDecided && whole.count > 0 && whole.firstSeen >= window.since && whole.firstSeen < window.until
            return isNew ? .new : .open
        }
        switch resolution.action {
        case .resolve(let tag?): return whole.tags.contains { order.isAtOrAfter($0, tag) } ? .returned : .fixed
        case .resolve(nil):
            var scope = scope(whole.signature)
            scope.after = resolution.time
            scope.beganAfter = resolution.time
            scope.includesRemoved = true
            return try store.catalog().hasCrash(scope) ? .returned : .fixed
        case .ignore(let until, let crashes):
            if let until, now >= until { return .open }
            if let crashes {
                var scope = scope(whole.signature)
                scope.after = resolution.time
                if try store.catalog().crashCount(scope) >= crashes { return .open }
            }
            return .ignored
        case .reopen, .assign, .merge, .unmerge, .note: return .open
        }
    }

    private func scope(_ signature: String) -> CrashScope { CrashScope(standings.group(signature), errors: errors) }
}

extension Store {
    /// The order of these builds. The configuration is read only if there are several, and when builds were first seen only
    /// if one of them is not a version.
    func buildOrder(_ tags: some Sequence<String>) throws -> BuildOrder {
        let tags = ByteSet(tags)
        if tags.count < 2 { return BuildOrder() }
        let listed = try listedBuilds()
        if tags.allSatisfy({ BuildOrder.isVersion($0) }) { return BuildOrder(listed: listed) }
        return BuildOrder(listed: listed, firstSeen: try catalog().firstSightings())
    }
}
