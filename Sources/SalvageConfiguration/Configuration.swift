public import Model
public import Text

/// The configuration: where the API and the store are, how often to poll, what to keep.
///
/// Precedence of each value: command line flag, environment, file, the default given here.
public struct Configuration: Sendable, Equatable {
    /// Where the store is; nil when not configured.
    public var store: StoreAddress?
    /// How to reach the API.
    public var api = API()
    /// How often to list sessions.
    public var poll = Poll()
    /// How long a container is expected to outlive its process, in milliseconds.
    public var retention: Int64 = 4 * 3_600_000
    /// Limits on requests and on unpacking.
    public var limits = Limits()
    /// The rules in order. As in a firewall, the first that matches a session applies; a session without a match is
    /// `skipped`.
    public var rules: [Rule] = [Rule.logOnly]
    /// What `prune` may delete, one policy after the other; without policies it deletes no pack.
    public var prune: [Prune] = []
    /// How long the ledger keeps sessions without a pack, in milliseconds.
    public var history: Int64 = 365 * 86_400_000
    /// Whether the file has the key `history`; then `prune` applies it even without any policy.
    public var namesHistory = false
    /// Additions to the built-in lists of the signature algorithm.
    public var signatures = SignatureRules()
    /// The symbol servers that may be asked.
    public var symbols = SymbolServers()
    /// What is removed from logs and other texts before they are stored.
    public var redact: [RedactionRule] = []
    /// Which barriers the processes that read untrusted bytes may lack.
    public var confinement = Confinement()
    /// Defaults of `grep`.
    public var grep = Grep()
    /// Who is notified of what.
    public var notify = Notifications()
    /// Which services outside receive crashes.
    public var export = Exports()
    /// Builds that do not come in the order of their versions.
    public var builds = Builds()
    /// How `serve` is run.
    public var serve = Serve()
    /// The file these values came from; nil when no file was found.
    public var file: String?
    /// Whether the file has no keys: it is empty or contains only comments.
    public var isBlank = false
    /// Whether the file has the key `rules`; without it the default rule applies.
    public var namesRules = false

    /// The defaults, with one rule that keeps each session's log.
    public init() {}

    /// How to reach the Session API.
    public struct API: Sendable, Equatable {
        /// The base address, without a trailing slash.
        public var url = "https://api.production-gameye.gameye.net"
        /// The token file, which only its owner may read.
        public var tokenFile: String?
    }

    /// How often to list sessions, in milliseconds.
    public struct Poll: Sendable, Equatable {
        /// The interval between lists of running sessions.
        public var running: Int64 = 5000
        /// The interval between lists of all sessions, exited ones included.
        public var all: Int64 = 30_000
    }

    /// The barriers that confine the processes that read container output.
    public struct Confinement: Sendable, Equatable {
        /// The names of all barriers, as `doctor` prints them.
        public static let barriers = [
            "no_new_privs", "landlock", "seccomp", "address_space", "data", "cpu", "file_size", "descriptors",
            "no_core",
        ]
        /// The barriers that may be missing. If any other one is, the process refuses to read.
        public var allowMissing: [String] = []
    }

    /// Defaults of `grep` and `logs -g`; flags override them.
    public struct Grep: Sendable, Equatable {
        /// Whether to ignore case unless the pattern contains an upper-case letter.
        public var smartCase = false
    }

    /// The order of builds, where their tags do not say it.
    public struct Builds: Sendable, Equatable {
        /// Tags or globs over tags, earliest first; see `BuildOrder`.
        public var order: [String] = []
    }

    /// What to keep of the sessions that match.
    public struct Rule: Sendable, Equatable {
        /// The rule's name, for messages and the ledger.
        public var name: String
        /// Which sessions the rule is for; every pattern given must match.
        public var match = Match()
        /// The container paths to pull, in order.
        public var artifacts: [Artifact] = []
        /// Whether to keep the stdout and stderr log.
        public var logs = true
        /// Whether `watch` follows the log while the session runs.
        public var follow = false
        /// Which of the matching sessions to keep.
        public var sample = Sampling.always

        /// Makes a rule that matches every session and keeps its log.
        public init(name: String) { self.name = name }

        /// The rule used without a configuration: the log of every session and no artifact, as no path can be guessed.
        public static let logOnly = Rule(name: "default")
    }

    /// One path of a rule.
    public struct Artifact: Sendable, Equatable {
        /// The container path, with placeholders.
        public var path: PathTemplate
        /// Which of the rule's sessions to pull it from.
        public var sample = Sampling.always
    }

    /// The patterns of a rule; nil matches every session, also one that lacks the field.
    public struct Match: Sendable, Equatable {
        /// The pattern for the image.
        public var image: Glob?
        /// The pattern for the tag.
        public var tag: Glob?
        /// The pattern for the location.
        public var location: Glob?
        /// The patterns for labels, by key; a session without the label does not match.
        public var labels: [String: Glob] = [:]

        /// Returns whether a session matches every pattern.
        public func accepts(_ session: SessionIdentity) -> Bool {
            if let image, !image.matches(session.image) { return false }
            if let tag, !(session.tag.map(tag.matches) ?? false) { return false }
            if let location, !(session.location.map(location.matches) ?? false) { return false }
            return labels.allSatisfy { key, glob in session.labels[key].map(glob.matches) ?? false }
        }
    }

    /// One policy of `prune`.
    public struct Prune: Sendable, Equatable {
        /// The sessions the policy applies to.
        public var match = Match()
        /// Sessions that ended longer ago than this may be deleted, in milliseconds.
        public var olderThan: Int64?
        /// While the matching packs exceed this many bytes in total, the oldest may be deleted.
        public var maxBytes: UInt64?
        /// The number of newest sessions to keep for each signature.
        public var keepPerSignature = 0
    }

    /// Limits on the use of the API and of this machine.
    public struct Limits: Sendable, Equatable {
        /// The largest ``concurrency``.
        public static let mostConcurrency = 256
        /// The largest ``followers``.
        public static let mostFollowers = 100_000
        /// Concurrent downloads, 1 to 256.
        public var concurrency = 8
        /// Concurrent ingests, 1 to 64.
        public var ingests = 2
        /// Logs followed at the same time, 0 to 100,000.
        public var followers = 1000
        /// Requests per minute to `/session`.
        public var listPerMinute = 120
        /// Requests per minute to `/session/{id}`.
        public var describePerMinute = 600
        /// Requests per minute to `/artifacts`.
        public var artifactsPerMinute = 600
        /// Requests per minute to `/logs`.
        public var logsPerMinute = 600
        /// How long a response body may stay silent before it is treated as truncated, in milliseconds.
        public var stall: Int64 = 30_000
        /// How long a followed log may stay silent before its stream is assumed hung and restarted, in milliseconds.
        public var silence: Int64 = 600_000
        /// How long a complete list of sessions may take to arrive, in milliseconds.
        public var list: Int64 = 120_000
        /// Bytes to keep free on the store's disk; below it no download starts.
        public var reserve: UInt64 = 256 << 20
        /// The largest download of one artifact, in bytes; a longer one is truncated, and the ledger says so.
        public var download: UInt64 = 4 << 30
        /// Limits on one archive. Beyond a limit, what was read is kept and the verdict names the limit.
        public var unpack = UnpackLimits()

        /// The defaults.
        public init() {}
    }

    /// Returns the first rule that matches a session; nil when none does.
    public func rule(for session: SessionIdentity) -> Rule? { rules.first { $0.match.accepts(session) } }
}
