/// What the server and its pages are given at their start.
public struct ServerSettings: Sendable {
    /// The pages' title.
    public var title = "salvage"
    /// The address by which people reach the server, such as `https://salvage.example`, without a slash at its end; nil
    /// if it is only known by where it listens.
    public var publicAddress: String?
    /// The path before all of the server's own, such as `/salvage`; empty for none. Links of pages begin with it.
    public var basePath = ""
    /// The address of a source line, with `{file}`, `{line}` and `{tag}` for its parts; nil for no links.
    public var sourceLink: String?
    /// The program's version.
    public var version: String
    /// The time (ms since 1970).
    public var now: @Sendable () -> Int64

    /// Creates settings with defaults.
    public init(version: String, now: @escaping @Sendable () -> Int64) {
        self.version = version
        self.now = now
    }

    /// The address of a path of this server, for a link: `/sessions` with the base path.
    func link(_ path: String) -> String { basePath + path }
}
