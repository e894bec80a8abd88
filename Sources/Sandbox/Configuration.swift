/// A permission of a bearer token, as the Session API names it.
public enum SandboxScope: String, Sendable, CaseIterable {
    case sessionStart = "session:start"
    case sessionRead = "session:read"
    case sessionStop = "session:stop"
    case artifactRead = "artifact:read"
    case regionsRead = "regions:read"
    case logsRead = "logs:read"
}

/// A bearer token and its scopes.
public struct SandboxToken: Sendable {
    /// The text after `Bearer `.
    public var text: String
    /// The scopes it grants.
    public var scopes: Set<SandboxScope>

    /// Creates a token with the given scopes, by default all.
    public init(_ text: String, scopes: Set<SandboxScope> = Set(SandboxScope.allCases)) {
        self.text = text
        self.scopes = scopes
    }
}

/// Synthetic sessions for load tests: they have no processes, but their list entries, logs and archives are served like
/// those of real sessions.
public struct SandboxFleet: Sendable {
    /// Number of running sessions. Each exit is replaced at once.
    public var running: Int
    /// Exits per second; 0 for none except those requested.
    public var exitsPerSecond: Double
    /// Size of the files in each session's archive, in bytes before compression.
    public var artifactBytes: Int
    /// Lines each running session writes per second.
    public var logLinesPerSecond: Double
    /// Share of exits that leave a fatal error in the log, from 0 to 1.
    public var crashShare: Double
    /// Seed for ids, locations, order of exits and content.
    public var seed: UInt64

    /// Creates a fleet configuration.
    public init(
        running: Int, exitsPerSecond: Double = 0, artifactBytes: Int = 1_000_000, logLinesPerSecond: Double = 4,
        crashShare: Double = 0.1, seed: UInt64 = 1
    ) {
        self.running = running
        self.exitsPerSecond = exitsPerSecond
        self.artifactBytes = artifactBytes
        self.logLinesPerSecond = logLinesPerSecond
        self.crashShare = crashShare
        self.seed = seed
    }
}

/// How a sandbox server behaves. Durations are in real seconds unless marked as scaled.
public struct SandboxConfiguration: Sendable {
    /// The image folder; each image is in `NAME/VERSION/`.
    public var images: String
    /// The folder for the sessions' roots; created if absent.
    public var root: String
    /// The address to listen on.
    public var address = "127.0.0.1"
    /// The port to listen on; 0 chooses a free one.
    public var port = 0
    /// The regions that sessions can run in, each `NAME` or `NAME=CENTER+CENTER` with its data centers. A region
    /// without data centers is its own data center. Names must be unique and not empty.
    public var locations = ["europe", "us-east"]
    /// The bearer tokens that are accepted.
    public var tokens = [SandboxToken("sandbox")]
    /// False accepts every API request, with any token or none.
    public var requiresToken = true
    /// Most real sessions that run at the same time; more are refused with status 420. Nil for no limit.
    public var maximumSessions: Int?
    /// Most sessions started per minute, which `minute` scales; more are refused with status 420 and Retry-After. Nil
    /// for no limit.
    public var startsPerMinute: Int?
    /// The bearer token for `/_sandbox/`; nil opens it to everyone who can reach the port.
    public var adminToken: String?
    /// Seconds that an ended container is kept. Scaled by `minute`.
    public var retention: Double = 4 * 3600
    /// Real seconds per minute of `ttl`, `retention` and `startsPerMinute`.
    public var minute: Double = 60
    /// Seconds between SIGTERM and SIGKILL.
    public var stopGrace: Double = 10
    /// Seconds between a failure and the restart.
    public var restartDelay: Double = 1
    /// Host ports that are assigned to sessions.
    public var ports: ClosedRange<Int> = 20_000...30_000
    /// Faults of all sessions; faults of a single session override them.
    public var faults = Faults()
    /// Faults chosen by session id. They override `faults`; faults of a single session override them.
    public var faultMix: FaultMix?
    /// A synthetic fleet in addition to the real sessions.
    public var fleet: SandboxFleet?

    /// Creates a configuration with default values.
    public init(images: String, root: String) {
        self.images = images
        self.root = root
    }

    /// The lifespan in real milliseconds; nil for no limit, and for more than thirty years.
    func milliseconds(_ ttl: TimeToLive) -> Milliseconds? {
        guard let minutes = ttl.minutes, Double(minutes) * minute < 1e9 else { return nil }
        return Self.milliseconds(Double(minutes) * minute)
    }

    /// Retention in real milliseconds.
    var retentionMilliseconds: Int64 { Self.milliseconds(retention / 60 * minute) }

    static func milliseconds(_ seconds: Double) -> Int64 {
        guard seconds.isFinite, seconds > 0 else { return 0 }
        return Int64(min(seconds, 1e9) * 1000)
    }
}

/// Why the sandbox could not start or carry out a request.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
    /// What failed, and how to fix it.
    public let message: String

    /// Creates an error.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
