/// A right that a bearer token carries; the names are those of the Session API.
public enum SandboxScope: String, Sendable, CaseIterable {
    case sessionStart = "session:start"
    case sessionRead = "session:read"
    case sessionStop = "session:stop"
    case artifactRead = "artifact:read"
    case regionsRead = "regions:read"
    case logsRead = "logs:read"
}

/// A bearer token and what it may do.
public struct SandboxToken: Sendable {
    /// The text after `Bearer `.
    public var text: String
    /// The operations it opens.
    public var scopes: Set<SandboxScope>

    /// A token with the given scopes; every scope unless told otherwise.
    public init(_ text: String, scopes: Set<SandboxScope> = Set(SandboxScope.allCases)) {
        self.text = text
        self.scopes = scopes
    }
}

/// Sessions that exist only as numbers, for load: no process stands behind them, but their lists, logs and archives
/// are served like those of real ones.
public struct SandboxFleet: Sendable {
    /// How many run at any time; each exit is replaced at once.
    public var running: Int
    /// Exits per second; 0 for none but those asked for.
    public var exitsPerSecond: Double
    /// Bytes of the files in each session's archive, before compression.
    public var artifactBytes: Int
    /// Lines each running session writes per second.
    public var logLinesPerSecond: Double
    /// Share of the exits that leave a fatal error in their log, from 0 to 1.
    public var crashShare: Double
    /// Decides ids, places, order of exits and content.
    public var seed: UInt64

    /// A fleet of the given size.
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

/// How a sandbox server behaves. All durations are real seconds unless they are said to be scaled.
public struct SandboxConfiguration: Sendable {
    /// The folder with images, `NAME/VERSION/` each.
    public var images: String
    /// The folder that holds the sessions' roots; made if absent.
    public var root: String
    /// The address to listen on.
    public var address = "127.0.0.1"
    /// The port to listen on; 0 takes a free one.
    public var port = 0
    /// The regions that sessions may run in, each `NAME` or `NAME=CENTRE+CENTRE` with the data centres it holds. A region
    /// without data centres is its own. Names must not be empty nor come twice.
    public var locations = ["europe", "us-east"]
    /// The bearer tokens that are accepted.
    public var tokens = [SandboxToken("sandbox")]
    /// False answers every request of the API, with whatever token or none.
    public var requiresToken = true
    /// How many real sessions may run at the same time; more are refused with status 420. Nil for no limit.
    public var maximumSessions: Int?
    /// How many sessions may be started in one minute, which `minute` scales; more are refused with status 420 and
    /// Retry-After. Nil for no limit.
    public var startsPerMinute: Int?
    /// What `/_sandbox/` asks for; nil opens it to everyone who reaches the port.
    public var adminToken: String?
    /// Seconds that an ended container stays before it is removed. Scaled by `minute`.
    public var retention: Double = 4 * 3600
    /// Real seconds that count as one minute of `ttl` and `retention`.
    public var minute: Double = 60
    /// Seconds between SIGTERM and SIGKILL.
    public var stopGrace: Double = 10
    /// Seconds between a failure and the restart.
    public var restartDelay: Double = 1
    /// Host ports given to sessions.
    public var ports: ClosedRange<Int> = 20_000...30_000
    /// Faults of every session that has none of its own.
    public var faults = Faults()
    /// Faults dealt out by session id, under those of `faults`.
    public var faultMix: FaultMix?
    /// A synthetic fleet beside the real sessions.
    public var fleet: SandboxFleet?

    /// A server over the images in one folder with its sessions in another.
    public init(images: String, root: String) {
        self.images = images
        self.root = root
    }

    /// The lifespan in real milliseconds; nil for none, and for one of more than thirty years.
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

/// Why the sandbox could not start or do what it was asked.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
    /// What failed and how to mend it.
    public let message: String

    /// An error with that message.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
