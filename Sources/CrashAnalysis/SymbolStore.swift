/// Executables and debug files by build id.
public struct SymbolStore: Sendable {
    /// The folder that holds `.build-id`.
    public let root: String

    /// Uses `root`, which need not exist yet.
    public init(root: String) { self.root = root }
}
