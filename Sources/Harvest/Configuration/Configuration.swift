public import CrashAnalysis
import Text

/// What salvage was told to do: where the API and the store are, how often to look, what to keep.
///
/// Precedence of each value: command line flag, then environment, then file, then the default written here.
public struct Configuration: Sendable, Equatable {
    /// The store's folder; nil when neither file nor environment name one.
    public var store: String?
    /// How to reach the API.
    public var api = API()
    /// How often to list sessions.
    public var poll = Poll()
    /// How long a container is expected to outlive its process, in milliseconds.
    public var retention: Int64 = 4 * 3_600_000
    /// Bounds on requests and on what an archive may make us do.
    public var limits = Limits()
    /// The rules in order: the first that matches a session decides about it, as in a firewall; a session that none
    /// matches is `skipped`.
    public var rules: [Rule] = [Rule.logOnly]
    /// What `prune` may remove, one policy after the other; none removes nothing.
    public var prune: [Prune] = []
    /// How long the ledger keeps sessions of which no pack is left, in milliseconds.
    public var history: Int64 = 365 * 86_400_000
    /// Whether the file has the key `history`; then it counts for a `prune` without any other rule.
    public var namesHistory = false
    /// What is added to the built-in lists of the signature algorithm.
    public var signatures = SignatureRules()
    /// What is taken out of logs and other texts before they are stored.
    public var redact: [Redaction] = []
    /// What the readers of hostile bytes may lack.
    public var confinement = Confinement()
    /// How `grep` reads patterns.
    public var grep = Grep()
    /// The file these values came from; nil when no file was found.
    public var file: String?
    /// Whether the file has no key at all: it was emptied, or holds comments only.
    public var isBlank = false
    /// Whether the file has the key `rules`; without it the default rule counts.
    public var namesRules = false

    /// The defaults: everything in `Limits`, `Poll` and one rule that keeps each session's log.
    public init() {}

    /// How to reach the Session API.
    public struct API: Sendable, Equatable {
        /// The base address, without a trailing slash.
        public var url = "https://api.production-gameye.gameye.net"
        /// A file that holds the token and that only its owner may read.
        public var tokenFile: String?
    }

    /// How often to list, in milliseconds.
    public struct Poll: Sendable, Equatable {
        /// Between two lists of running sessions.
        public var running: Int64 = 5000
        /// Between two lists of all sessions, exited ones included.
        public var all: Int64 = 30_000
    }

    /// The barriers around the processes that read what containers wrote.
    public struct Confinement: Sendable, Equatable {
        /// All of them, by the names that `doctor` prints.
        public static let barriers = [
            "no_new_privs", "landlock", "seccomp", "address_space", "data", "cpu", "file_size", "descriptors",
            "no_core",
        ]
        /// Those without which such a process reads all the same; without any other one it refuses to.
        public var allowMissing: [String] = []
    }

    /// What `grep` and `logs -g` do unless a flag says otherwise.
    public struct Grep: Sendable, Equatable {
        /// Case counts only where a pattern holds an upper-case letter.
        public var smartCase = false
    }

    /// The first rule that matches a session says what is kept of it.
    public struct Rule: Sendable, Equatable {
        /// The rule's name, for messages and the ledger.
        public var name: String
        /// What a session must look like; every pattern given must match.
        public var match = Match()
        /// The container paths to pull, in order.
        public var artifacts: [Artifact] = []
        /// Whether the stdout and stderr log is kept.
        public var logs = true
        /// Whether `watch` follows the log while the session runs.
        public var follow = false
        /// Which of the matching sessions are kept at all.
        public var sample = Sampling.always

        /// A rule under a name, matching everything and keeping the log.
        public init(name: String) { self.name = name }

        /// What is done without a configuration: every session, its log only, because no path can be guessed.
        public static let logOnly = Rule(name: "default")
    }

    /// One path of a rule.
    public struct Artifact: Sendable, Equatable {
        /// The container path, with placeholders.
        public var path: PathTemplate
        /// Which of the rule's sessions it is pulled from.
        public var sample = Sampling.always
    }

    /// The patterns of a rule; nil matches everything, also a session that lacks the field.
    public struct Match: Sendable, Equatable {
        /// Against the image.
        public var image: Glob?
        /// Against the tag.
        public var tag: Glob?
        /// Against the location.
        public var location: Glob?
        /// Against labels by key; the label must be there.
        public var labels: [String: Glob] = [:]

        /// Whether a session has all that the patterns ask for.
        public func accepts(_ session: SessionIdentity) -> Bool {
            if let image, !image.matches(session.image) { return false }
            if let tag, !(session.tag.map(tag.matches) ?? false) { return false }
            if let location, !(session.location.map(location.matches) ?? false) { return false }
            return labels.allSatisfy { key, glob in session.labels[key].map(glob.matches) ?? false }
        }
    }

    /// One policy of `prune`.
    public struct Prune: Sendable, Equatable {
        /// Which sessions it is about.
        public var match = Match()
        /// Sessions that ended longer ago than this may go, in milliseconds.
        public var olderThan: Int64?
        /// While their packs take more than this, in bytes, the oldest may go.
        public var maxBytes: UInt64?
        /// The newest so many sessions of each signature stay.
        public var keepPerSignature = 0
    }

    /// Bounds on what is asked of the API and of this machine.
    public struct Limits: Sendable, Equatable {
        /// The largest ``concurrency``.
        public static let mostConcurrency = 256
        /// The largest ``followers``.
        public static let mostFollowers = 100_000
        /// Downloads at the same time.
        public var concurrency = 8
        /// Ingests at the same time.
        public var ingests = 2
        /// Logs followed at the same time.
        public var followers = 1000
        /// Requests per minute to `/session`.
        public var listPerMinute = 120
        /// Requests per minute to `/session/{id}`.
        public var describePerMinute = 600
        /// Requests per minute to `/artifacts`.
        public var artifactsPerMinute = 600
        /// Requests per minute to `/logs`.
        public var logsPerMinute = 600
        /// How long a body may stay silent before it counts as cut, in milliseconds.
        public var stall: Int64 = 30_000
        /// How long a followed log may stay silent before its stream is taken for hung and begun anew, in milliseconds.
        public var silence: Int64 = 600_000
        /// How long a whole list of sessions may take to arrive, in milliseconds.
        public var list: Int64 = 120_000
        /// Bytes to keep free on the store's disk; below it no download starts.
        public var reserve: UInt64 = 256 << 20
        /// Largest download of one artifact, in bytes; the rest is cut off and said so.
        public var download: UInt64 = 4 << 30
        /// Bounds on one archive.
        public var unpack = Unpack()
    }

    /// Bounds on what one archive may hold; beyond one of them what was read is kept and the verdict says so.
    public struct Unpack: Sendable, Equatable {
        /// Bytes of tar headers, extensions included, of one entry.
        public var headerBytes: UInt64 = 8 << 20
        /// Entries of one archive.
        public var entries: UInt64 = 1_000_000
        /// Bytes of one entry.
        public var entrySize: UInt64 = 4 << 30
        /// Bytes of all entries together.
        public var totalSize: UInt64 = 8 << 30
        /// Extents of one sparse entry.
        public var sparseExtents: UInt64 = 100_000
        /// Bytes that the compressed logs in one archive may expand to; 0 leaves them as they are.
        public var expandedSize: UInt64 = 2 << 30
        /// How long the confined child may take for one session, or one file of `verify`, in milliseconds.
        public var time: Int64 = 300_000
    }

    /// The rule that decides about a session, if any matches.
    public func rule(for session: SessionIdentity) -> Rule? { rules.first { $0.match.accepts(session) } }
}
