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
    /// Whether they signed in here, so that they can sign out.
    var hasCookie = false

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// Whether the sender may do this.
    func may(_ role: ServerRole) -> Bool { identity.roles.contains(role) }
}
