/// Who sends a request.
public struct ServerIdentity: Sendable, Equatable {
    /// The name of the token or of the proxy's user; decisions carry it. Empty for somebody who has not signed in.
    public var name: String
    /// What they may do.
    public var roles: Set<ServerRole>

    /// Creates an identity.
    public init(name: String, roles: Set<ServerRole>) {
        self.name = name
        self.roles = roles
    }

    /// Somebody who has not signed in.
    public static let unknown = ServerIdentity(name: "", roles: [])
}
