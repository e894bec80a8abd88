/// The servers that the API's description names.
public enum SessionAPIServer: String, Sendable, CaseIterable {
    /// Gameye's environment to try things in.
    case sandbox
    /// Gameye's main environment.
    case production
    /// The former address of the main environment.
    case legacy

    /// The server by its name: `sandbox`, `production` or `legacy`. Nil for every other word.
    public init?(name: String) {
        self.init(rawValue: name)
    }

    /// The word for it.
    public var name: String { rawValue }

    /// Its address, for ``SessionAPIClient/Configuration/baseURL``.
    public var url: String {
        switch self {
        case .sandbox: "https://api.sandbox-gameye.gameye.net"
        case .production: "https://api.production-gameye.gameye.net"
        case .legacy: "https://api.gameye.io"
        }
    }
}
