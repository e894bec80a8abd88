/// What the sandbox does differently from a well-behaved server. Every switch is optional. A switch that is nil changes
/// nothing, so the faults of one session can override those of all.
///
/// In JSON (the admin interface, the label `sandbox.faults`, `--faults`) the names are snake_case:
///
/// | switch | effect |
/// |---|---|
/// | `archive` | `gzip` (default), `tar`: not compressed, `members`: several gzip members, `garbage`: not an archive |
/// | `content_length` | true: the archive is sent with Content-Length instead of chunked |
/// | `content_type` | the Content-Type of archives instead of `application/x-tar` |
/// | `cut_at` | bytes after which the body is cut |
/// | `cut_ending` | `clean`: ends there as if complete, `close` (default): connection closed, `reset`: TCP reset |
/// | `stall_at`, `stall_seconds` | bytes after which the body stalls, and for how long (default: until disconnect) |
/// | `bytes_per_second` | rate of the body |
/// | `delay_seconds` | wait before the response begins |
/// | `body_operations` | operationIds that cut, stall and rate apply to; default `["artifacts"]`, `"*"` is all |
/// | `artifact_404` | `never_existed`, `container_gone` or `path_absent`: 404 for every archive, for this reason |
/// | `absent_path` | a path that does not exist: `not_found` (default) or `empty_archive` with status 200 |
/// | `while_running` | an archive of a session that has not ended: `not_found` (default), `conflict`, `allow` |
/// | `padding_bytes` | bytes of random padding added to the archive as one more file |
/// | `oversize` | archives above 100,000,000 bytes: `serve` (default), `refuse` with 413, `cut` there |
/// | `sparse` | true: holes are stored as holes; false (default): as zeros, as Docker does |
/// | `bare_names` | true: entry names without the requested path's last component as a prefix |
/// | `omit_status`, `omit_tag`, `omit_labels` | true: the list leaves the field out |
/// | `legacy_fields` | true: `playerCount: null` and unknown fields in list and describe |
/// | `created_in_seconds` | true: `created` is in seconds |
/// | `labels` | `not_json`: values are not JSON, `bare`: no tags, env or gameye at all |
/// | `status`, `status_seconds` | the status shown instead, and for how long after it was set (default: forever) |
/// | `dead_on_crash` | true: a session that ended by a signal shows `dead` |
/// | `hidden` | true: not in any list |
/// | `hidden_after_exit_seconds` | seconds after its end when the session leaves the list; its container stays |
/// | `listed_after_removal_seconds` | seconds that the session stays in the list after its container is removed |
/// | `describe_404` | true: describe-session returns 404 |
/// | `docker_frames` | true: logs have Docker's 8-byte frame headers |
/// | `follow_hangs` | true: a followed log stays open after the end |
/// | `logs_after_exit` | `serve` (default), `not_found`, `empty` |
/// | `failures` | error responses sent instead, see ``Failure`` |
public struct Faults: Codable, Sendable, Equatable {
    /// The form of the bytes of an archive.
    public enum Archive: String, Codable, Sendable { case gzip, tar, members, garbage }
    /// How a cut body ends.
    public enum Ending: String, Codable, Sendable { case clean, close, reset }
    /// The meanings of a 404 from `/artifacts`.
    public enum Missing: String, Codable, Sendable {
        case neverExisted = "never_existed"
        case containerGone = "container_gone"
        case pathAbsent = "path_absent"
    }
    /// The response for a path that does not exist.
    public enum AbsentPath: String, Codable, Sendable {
        case notFound = "not_found"
        case emptyArchive = "empty_archive"
    }
    /// The response to a request for an archive before the session has ended.
    public enum WhileRunning: String, Codable, Sendable {
        case notFound = "not_found"
        case conflict
        case allow
    }
    /// How an archive above 100,000,000 bytes is handled.
    public enum Oversize: String, Codable, Sendable { case serve, refuse, cut }
    /// How labels are broken.
    public enum Labels: String, Codable, Sendable {
        case notJSON = "not_json"
        case bare
    }
    /// How the log of an ended session is served.
    public enum LogsAfterExit: String, Codable, Sendable {
        case serve
        case notFound = "not_found"
        case empty
    }

    /// An error sent instead of the normal response: to the next `count` requests, or to each with a `probability`.
    public struct Failure: Codable, Sendable, Equatable {
        /// The shape of the body.
        public enum Body: String, Codable, Sendable {
            /// The documented error.
            case json
            /// An HTML page as proxies send it.
            case html
            /// `{"message": …}` and nothing else.
            case bare
            /// The documented error without `identifier` and `details`.
            case noIdentifier = "no_identifier"
            /// JSON that ends too early.
            case broken
            /// No body at all.
            case empty
        }

        /// The operationId it applies to; nil for all.
        public var operation: String?
        /// The HTTP status.
        public var status: Int
        /// How many requests get it; nil for no limit.
        public var count: Int?
        /// The probability for each request, from 0 to 1; nil for always.
        public var probability: Double?
        /// The text of Retry-After; nil leaves the header out.
        public var retryAfter: String?
        /// The shape of the body; nil for `json`.
        public var body: Body?

        /// Creates a failure.
        public init(
            operation: String? = nil, status: Int, count: Int? = nil, probability: Double? = nil,
            retryAfter: String? = nil, body: Body? = nil
        ) {
            self.operation = operation
            self.status = status
            self.count = count
            self.probability = probability
            self.retryAfter = retryAfter
            self.body = body
        }
    }

    /// See the table of the type, which lists the switches in this order.
    public var archive: Archive?
    /// See the table of the type.
    public var contentLength: Bool?
    /// See the table of the type.
    public var contentType: String?
    /// See the table of the type.
    public var cutAt: Int?
    /// See the table of the type.
    public var cutEnding: Ending?
    /// See the table of the type.
    public var stallAt: Int?
    /// See the table of the type.
    public var stallSeconds: Double?
    /// See the table of the type.
    public var bytesPerSecond: Int?
    /// See the table of the type.
    public var delaySeconds: Double?
    /// See the table of the type.
    public var bodyOperations: [String]?
    /// See the table of the type.
    public var artifact404: Missing?
    /// See the table of the type.
    public var absentPath: AbsentPath?
    /// See the table of the type.
    public var whileRunning: WhileRunning?
    /// See the table of the type.
    public var paddingBytes: Int?
    /// See the table of the type.
    public var oversize: Oversize?
    /// See the table of the type.
    public var sparse: Bool?
    /// See the table of the type.
    public var bareNames: Bool?
    /// See the table of the type.
    public var omitStatus: Bool?
    /// See the table of the type.
    public var omitTag: Bool?
    /// See the table of the type.
    public var omitLabels: Bool?
    /// See the table of the type.
    public var legacyFields: Bool?
    /// See the table of the type.
    public var createdInSeconds: Bool?
    /// See the table of the type.
    public var labels: Labels?
    /// See the table of the type.
    public var status: String?
    /// See the table of the type.
    public var statusSeconds: Double?
    /// See the table of the type.
    public var deadOnCrash: Bool?
    /// See the table of the type.
    public var hidden: Bool?
    /// See the table of the type.
    public var hiddenAfterExitSeconds: Double?
    /// See the table of the type.
    public var listedAfterRemovalSeconds: Double?
    /// See the table of the type.
    public var describe404: Bool?
    /// See the table of the type.
    public var dockerFrames: Bool?
    /// See the table of the type.
    public var followHangs: Bool?
    /// See the table of the type.
    public var logsAfterExit: LogsAfterExit?
    /// See the table of the type.
    public var failures: [Failure]?

    /// Creates a value without faults.
    public init() {}

    /// Creates faults and sets switches in `change`.
    public init(_ change: (inout Faults) -> Void) {
        self.init()
        change(&self)
    }
}
