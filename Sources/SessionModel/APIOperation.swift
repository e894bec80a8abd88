/// The ten operations of the Session API; the raw value is the `operationId`.
public enum APIOperation: String, Sendable, CaseIterable {
    /// Starts a session.
    case sessionRun = "session-run"
    /// Lists sessions.
    case sessionList = "session-list"
    /// Describes one session.
    case describeSession = "describe-session"
    /// Stops a session.
    case sessionStop = "session-stop"
    /// Registers players with a session.
    case joinSession = "join-session"
    /// Removes players from their session.
    case leaveSession = "leave-session"
    /// Downloads a path of an ended session's container.
    case artifacts
    /// Lists where an image can be hosted.
    case availableLocations = "get-available-locations"
    /// Checks whether a version of an image is available.
    case tagExists = "tag-exists"
    /// Reads what a session wrote to stdout and stderr.
    case streamLogs = "stream-logs"

    /// The scope a token needs for the operation; nil when the API documents none.
    public var scope: String? {
        switch self {
        case .sessionRun: "session:start"
        case .sessionList, .describeSession: "session:read"
        case .sessionStop: "session:stop"
        case .joinSession, .leaveSession: nil
        case .artifacts: "artifact:read"
        case .availableLocations, .tagExists: "regions:read"
        case .streamLogs: "logs:read"
        }
    }

    /// True when calling the operation twice has the same effect as calling it once, so that it can be repeated after a
    /// failure with an unknown outcome. False for session-run only: the first request may have started a session.
    public var isIdempotent: Bool { self != .sessionRun }

    /// The HTTP statuses that mean success. Every other status from 200 to 299 is an invalid response.
    ///
    /// The API documents 201 for session-run and 204 for session-stop; servers also use 200 for both. All others use
    /// 200 only.
    public var successes: [Int] {
        switch self {
        case .sessionRun: [201, 200]
        case .sessionStop: [204, 200]
        default: [200]
        }
    }
}
