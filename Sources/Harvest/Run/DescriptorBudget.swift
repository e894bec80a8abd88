import Files
import Glibc
import Pack
public import SalvageConfiguration

/// Concurrency limits derived from the limit on open files. Work that does not fit waits, instead of failing halfway
/// with "Too many open files".
public struct DescriptorBudget: Sendable, Equatable {
    /// Concurrent downloads.
    public let downloads: Int
    /// Concurrent describe requests.
    public let describes: Int
    /// Concurrent ingests.
    public let ingests: Int
    /// Logs followed at the same time.
    public let followers: Int
    /// Whether a download and an ingest do not fit at the same time.
    public let isTight: Bool
    /// The limit on open files, and the number open before any of this work.
    private let limit: Int
    private let open: Int

    /// Descriptors of a download: a connection, its file, and the folder while it is synced.
    static let perDownload = 3
    /// Descriptors of an ingest: the session's lock, the earlier and the new pack, scratch files and filters, the child's
    /// pipes and its inputs.
    static let perIngest = 17
    /// Descriptors of a follower: a connection, the raw tail and a sealed block.
    static let perFollower = 3
    /// Reserve for event loops, timers, the list, folders being synced and the catalog's temporary files.
    static let margin = 12
    /// The most open files that a harvest uses.
    static let most: rlim_t = 65_536
    /// The fewest open files with which a harvest starts.
    static let least: rlim_t = 30

    /// Whether the limit on open files is too low for a second event loop to be worth its descriptors.
    public static var isScarce: Bool {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 && limit.rlim_cur < 256
    }

    /// Divides the `limit - open` remaining descriptors among the kinds of work, up to the configured limits.
    public init(limit: Int, open: Int, limits: Configuration.Limits) {
        (self.limit, self.open) = (limit, open)
        let free = limit - open - Self.margin
        var left = free - Self.perDownload - Self.perIngest
        isTight = left < 0
        left = max(0, left)
        // Half of the rest goes to downloads, then half of what is left to ingests.
        let more = min(max(0, limits.concurrency - 1), left / 2 / Self.perDownload)
        downloads = 1 + more
        left -= more * Self.perDownload
        let packs = min(max(0, limits.ingests - 1), left / 2 / Self.perIngest)
        ingests = 1 + packs
        left -= packs * Self.perIngest
        describes = left >= 8 ? 4 : 1
        followers = min(limits.followers, max(0, left - 4) / Self.perFollower)
    }

    /// Returns the same descriptors divided by other limits. Open files are not counted again: many of them are part of
    /// the budget.
    func divided(by limits: Configuration.Limits) -> DescriptorBudget {
        DescriptorBudget(limit: limit, open: open, limits: limits)
    }

    /// Makes the budget of this process from its current limit and open files.
    init(_ limits: Configuration.Limits) {
        var limit = rlimit()
        let known = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        let allowed = known ? min(limit.rlim_cur, Self.most) : 1024
        self.init(limit: Int(clamping: allowed), open: Self.openFiles ?? 16, limits: limits)
    }

    private static var openFiles: Int? {
        (try? OpenFolder(path: "/proc/self/fd").entries())?.count
    }

    /// Raises the limit on open files to the hard limit, at most ``most``.
    ///
    /// - Throws: ``HarvestError`` with `machineShort` when that is fewer than ``least``.
    public static func raiseLimit() throws(HarvestError) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let wanted = min(limit.rlim_max, most)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        guard limit.rlim_cur < least else { return }
        throw HarvestError(
            .machineShort, "the limit on open files is \(limit.rlim_cur), but \(least) are needed",
            hint: "raise ulimit -n, or LimitNOFILE of the systemd unit; nothing is lost yet")
    }
}
