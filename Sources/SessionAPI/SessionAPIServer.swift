/// The servers that the API's description names.
public enum SessionAPIServer: String, Sendable, CaseIterable {
    /// Gameye's sandbox environment, for tests.
    case sandbox
    /// Gameye's main environment.
    case production
    /// The old address of the main environment.
    case legacy

    /// Creates a server from its name: `sandbox`, `production` or `legacy`. Nil for any other name.
    public init?(name: String) {
        self.init(rawValue: name)
    }

    /// Its name, as ``init(name:)`` takes it.
    public var name: String { rawValue }

    /// Its URL, for ``SessionAPIClient/Configuration/baseURL``.
    public var url: String {
        switch self {
        case .sandbox: "https://api.sandbox-gameye.gameye.net"
        case .production: "https://api.production-gameye.gameye.net"
        case .legacy: "https://api.gameye.io"
        }
    }
}
