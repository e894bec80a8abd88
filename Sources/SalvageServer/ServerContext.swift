import FoundationEssentials
import Hummingbird
import NIOCore

/// What is known about a request beside its bytes: who sends it. Access checks fill it in before a handler is called.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection.
    let channel: any Channel
    /// Who sends the request.
    var identity = ServerIdentity.unknown
    /// The value of the hidden field `form_token` that every form needs which changes something, and of the header
    /// `X-Salvage-Token` of scripts.
    var formToken = ""
    /// Keeps the connection from counting as one that waits.
    var activity: RequestActivity?
    /// How they said who they are.
    var credential = Credential.none

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// How somebody said who they are.
    enum Credential: Sendable {
        case none, bearer, cookie, proxy, local
    }

    /// Whether they signed in here, so that they can sign out.
    var hasCookie: Bool { credential == .cookie }

    /// Whether the sender may do this.
    func may(_ role: ServerRole) -> Bool { identity.roles.contains(role) }
}
