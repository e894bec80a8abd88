/// One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html).
struct EventMessage: Sendable {
    /// The row of the crash that it is about; nil for others.
    let id: Int64?
    /// Whether it is an event, not a comment.
    let isEvent: Bool
    /// How it is sent.
    let bytes: [UInt8]

    /// An event whose data is one JSON object, which has no line ends.
    init(_ name: String, id: Int64? = nil, _ json: [UInt8]) {
        self.id = id
        isEvent = true
        bytes = Array("\(id.map { "id: \($0)\n" } ?? "")event: \(name)\ndata: ".utf8) + json + Array("\n\n".utf8)
    }

    private init(comment: String) {
        id = nil
        isEvent = false
        bytes = Array(": \(comment)\n\n".utf8)
    }

    /// Shows that the connection lives.
    static let heartbeat = EventMessage(comment: "alive")
}
