/// How a try to deliver a message ended. No text in it has an address or another secret.
public enum DeliveryOutcome: Sendable, Equatable {
    /// The channel took the message.
    case delivered(answer: String)
    /// A later try may succeed; not before `after` milliseconds if the channel said so.
    case failed(reason: String, after: Int64? = nil)
    /// The channel refuses the message; a few more tries, then it is given up.
    case refused(reason: String)

    /// The reason; nil if it was delivered.
    public var reason: String? {
        switch self {
        case .delivered: nil
        case .failed(let reason, _), .refused(let reason): reason
        }
    }
}
