public import Text

/// The order of builds by their tags, earliest first.
///
/// - Tags listed in the configuration (`builds: order:`) come in its order, before all others. A tag that several entries
///   match takes the place of the entry that is exactly the tag, else of the first glob. Tags of one place are ordered as
///   follows.
/// - Tags that are versions come by version; what counts as one, `BuildVersion` says.
/// - Tags that are not versions come by when they were first seen.
/// - Between the two kinds, a version has the time at which it or an earlier version was last first seen. So the order of
///   versions holds, and a build without a version stands behind the versions that were there before it.
///
/// A tag that no session has comes after those that some session has, except for a version below a known one. The order
/// is total: tags that are equal so far, such as `1.2` and `v1.2.0`, come by their bytes.
public struct BuildOrder: Sendable {
    /// A version that some session has, with the latest first sighting among it and all earlier versions.
    private struct Known: Sendable {
        let version: BuildVersion
        var moment: Int64
    }

    private struct Key {
        let rank: Int
        let moment: Int64
        let version: BuildVersion?
    }

    private let listed: ByteDictionary<Int>
    private let globs: [(rank: Int, glob: Glob)]
    private let last: Int
    private let firstSeen: ByteDictionary<Int64>
    /// The known versions of each rank, in order.
    private var known: [Int: [Known]] = [:]

    /// Makes an order.
    ///
    /// - Parameters:
    ///   - listed: tags or globs over tags, earliest first.
    ///   - firstSeen: when a session first had each tag (ms since 1970). Only needed if some tags are not versions.
    public init(listed: [String] = [], firstSeen: ByteDictionary<Int64> = [:]) {
        self.listed = ByteDictionary(listed.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        globs = listed.enumerated().map { ($0.offset, Glob($0.element)) }.filter { $0.1.literal == nil }
        last = listed.count
        self.firstSeen = firstSeen
        for (tag, moment) in firstSeen {
            guard let version = BuildVersion(tag) else { continue }
            known[rank(tag), default: []].append(Known(version: version, moment: moment))
        }
        for rank in known.keys {
            var versions = (known[rank] ?? []).sorted {
                let order = $0.version.compared(to: $1.version)
                return order != 0 ? order < 0 : $0.moment < $1.moment
            }
            for index in versions.indices.dropFirst() {
                versions[index].moment = max(versions[index].moment, versions[index - 1].moment)
            }
            known[rank] = versions
        }
    }

    /// Whether a tag is a version, so that its place does not depend on when it was seen.
    public static func isVersion(_ tag: String) -> Bool { BuildVersion(tag) != nil }

    /// Whether the first tag comes before the second.
    public func precedes(_ tag: String, _ other: String) -> Bool {
        let order = compare(key(tag), key(other))
        return order != 0 ? order < 0 : tag.precedesInBytes(other)
    }

    /// Whether a tag is the same build as another, or a later one. `v1.2` is the same as `1.2.0`.
    public func isAtOrAfter(_ tag: String, _ other: String) -> Bool {
        tag.hasSameBytes(as: other) || compare(key(tag), key(other)) >= 0
    }

    /// The tags, earliest first.
    public func sorted(_ tags: some Sequence<String>) -> [String] {
        tags.map { ($0, key($0)) }.sorted { left, right in
            let order = compare(left.1, right.1)
            return order != 0 ? order < 0 : left.0.precedesInBytes(right.0)
        }.map(\.0)
    }

    private func rank(_ tag: String) -> Int {
        listed[tag] ?? globs.first { $0.glob.matches(tag) }?.rank ?? last
    }

    private func key(_ tag: String) -> Key {
        let rank = rank(tag)
        guard let version = BuildVersion(tag) else {
            return Key(rank: rank, moment: firstSeen[tag] ?? .max, version: nil)
        }
        // Without times there is nothing to stand between versions.
        let versions = known[rank] ?? []
        var (low, high) = (0, versions.count)
        while low < high {
            let middle = (low + high) / 2
            if versions[middle].version.compared(to: version) < 0 { low = middle + 1 } else { high = middle }
        }
        return Key(rank: rank, moment: low < versions.count ? versions[low].moment : .max, version: version)
    }

    private func compare(_ left: Key, _ right: Key) -> Int {
        if left.rank != right.rank { return left.rank < right.rank ? -1 : 1 }
        if let one = left.version, let other = right.version { return one.compared(to: other) }
        if left.moment != right.moment { return left.moment < right.moment ? -1 : 1 }
        return left.version == nil ? (right.version == nil ? 0 : 1) : -1
    }
}
