public import SalvageConfiguration
public import Store

/// How a server is run.
public struct ServerOptions: Sendable {
    /// The host to listen on.
    public var host: String
    /// The port; 0 for any.
    public var port: Int
    /// What the pages show beside the store.
    public var settings: ServerSettings
    /// Who is let in.
    public var access: ServerAccess
    /// The configuration as it is now; rules and limits are read at each use.
    public var configuration: @Sendable () throws -> Configuration
    /// Writes a bundle of the sessions with these ids to a new file.
    public var bundle: @Sendable (Store, [String], String) throws -> Void

    /// Creates options.
    public init(
        host: String, port: Int, settings: ServerSettings, access: ServerAccess,
        configuration: @escaping @Sendable () throws -> Configuration,
        bundle: @escaping @Sendable (Store, [String], String) throws -> Void
    ) {
        self.host = host
        self.port = port
        self.settings = settings
        self.access = access
        self.configuration = configuration
        self.bundle = bundle
    }

    /// Reads `HOST:PORT`, `:PORT` or `PORT`, the last two on 127.0.0.1; IPv6 hosts are in brackets. Nil if it is none.
    public static func address(_ text: String) -> (host: String, port: Int)? {
        let whole = text.contains(":") ? (text.hasPrefix(":") ? "127.0.0.1" + text : text) : "127.0.0.1:" + text
        guard let (host, port) = HostName.split(whole), let port else { return nil }
        return (host, port)
    }
}
