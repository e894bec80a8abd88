/// The ten operations of the Session API; the raw value is the operationId.
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
    /// Asks whether an image's version is available.
    case tagExists = "tag-exists"
    /// Reads what a session wrote to stdout and stderr.
    case streamLogs = "stream-logs"

    /// The scope a token needs for the operation, where the API documents one.
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

    /// True when doing it twice leaves the server as doing it once does, so that it may be repeated after a failure that
    /// leaves open whether it was done. Only session-run is not: a server that took the first request starts a session.
    public var isIdempotent: Bool { self != .sessionRun }

    /// The HTTP statuses that mean success. Every other status from 200 to 299 is an answer that the API does not promise.
    ///
    /// session-run is documented with 201 and session-stop with 204; the further ones are in use by servers and say the
    /// same. All others have 200 alone.
    public var successes: [Int] {
        switch self {
        case .sessionRun: [201, 200]
        case .sessionStop: [204, 200]
        default: [200]
        }
    }
}
