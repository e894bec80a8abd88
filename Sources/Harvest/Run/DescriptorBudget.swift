import Glibc
import Pack

/// How much may go on at once with the open files that the system allows: what does not fit waits, instead of failing
/// halfway with "Too many open files".
public struct DescriptorBudget: Sendable, Equatable {
    /// Downloads at the same time.
    public let downloads: Int
    /// Describes at the same time.
    public let describes: Int
    /// Ingests at the same time.
    public let ingests: Int
    /// Logs followed at the same time.
    public let followers: Int
    /// Whether a download and an ingest do not even fit beside each other.
    public let isTight: Bool
    /// How many files may be open, and how many were beside what is divided.
    private let limit: Int
    private let open: Int

    /// A connection, its file, and the folder when that is synced.
    static let perDownload = 3
    /// The session's lock, the pack before and after, scratch files, the child's question, answer and end, its inputs.
    static let perIngest = 16
    /// A connection, the raw tail and a sealed block.
    static let perFollower = 3
    /// What opens now and then: event loops, timers, the list, folders that are synced, the catalog's temporary files.
    static let margin = 12
    /// The most open files that a harvest makes use of.
    static let most: rlim_t = 65_536
    /// A harvest does not begin with fewer.
    static let least: rlim_t = 30

    /// Whether the process may have so few open files that a second event loop is not worth its own.
    public static var isScarce: Bool {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 && limit.rlim_cur < 256
    }

    /// Divides what `limit` leaves beside the `open` files among what was configured.
    public init(limit: Int, open: Int, limits: Configuration.Limits) {
        (self.limit, self.open) = (limit, open)
        let free = limit - open - Self.margin
        var left = free - Self.perDownload - Self.perIngest
        isTight = left < 0
        left = max(0, left)
        // Half of the rest for downloads, and of what they leave, half for ingests.
        let more = min(max(0, limits.concurrency - 1), left / 2 / Self.perDownload)
        downloads = 1 + more
        left -= more * Self.perDownload
        let packs = min(max(0, limits.ingests - 1), left / 2 / Self.perIngest)
        ingests = 1 + packs
        left -= packs * Self.perIngest
        describes = left >= 8 ? 4 : 1
        followers = min(limits.followers, max(0, left - 4) / Self.perFollower)
    }

    /// The same files divided among other bounds. What is open now is not counted again: it is what was divided before.
    func divided(by limits: Configuration.Limits) -> DescriptorBudget {
        DescriptorBudget(limit: limit, open: open, limits: limits)
    }

    /// The budget of this process as it stands.
    init(_ limits: Configuration.Limits) {
        var limit = rlimit()
        let known = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        let allowed = known ? min(limit.rlim_cur, Self.most) : 1024
        self.init(limit: Int(clamping: allowed), open: Self.openFiles ?? 16, limits: limits)
    }

    private static var openFiles: Int? {
        (try? OpenFolder(path: "/proc/self/fd").entries())?.count
    }

    /// Lets the process have as many open files as the system allows it, within reason.
    ///
    /// - Throws: ``HarvestError`` where that is too few to begin with.
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
            .machineShort, "only \(limit.rlim_cur) files may be open at once, and \(least) are needed",
            hint: "raise ulimit -n, or LimitNOFILE of the unit; nothing is lost yet")
    }
}
