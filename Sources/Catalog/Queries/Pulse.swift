/// What is going on in a store now. Every figure is read from an index, so that it costs the same in a large store.
public struct StorePulse: Sendable, Equatable {
    /// A session whose container is expected to be gone soon.
    public struct Deadline: Sendable, Equatable {
        /// The session's id.
        public let session: String
        /// When its container is expected to be gone (ms since 1970).
        public let time: Int64
        /// The session's image; empty when unknown.
        public let image: String
        /// The image's version, if known.
        public let tag: String?

        /// Creates it.
        public init(session: String, time: Int64, image: String, tag: String?) {
            self.session = session
            self.time = time
            self.image = image
            self.tag = tag
        }
    }

    /// Sessions that run.
    public var running = 0
    /// Sessions that have ended and of which not everything is fetched.
    public var pending = 0
    /// Artifacts still to be fetched.
    public var backlog = 0
    /// The pending sessions with the earliest deadlines, the earliest first.
    public var deadlines: [Deadline] = []
    /// What came and went lately.
    public var flow = LedgerFlow()

    /// Creates a pulse of zeros.
    public init() {}
}

extension Catalog {
    /// What is going on now.
    ///
    /// - Parameters:
    ///   - now: the time, in milliseconds since 1970.
    ///   - deadlines: the greatest number of deadlines to return.
    public func pulse(now: Int64, deadlines: Int) throws(CatalogError) -> StorePulse {
        let flow = try flow(now: now)
        return try read { (connection) throws(CatalogError) in
            var pulse = StorePulse()
            pulse.flow = flow
            let count = "SELECT count(*) FROM sessions WHERE state = ?"
            pulse.running = Int(clamping: try connection.integer(count, [.text("running")]) ?? 0)
            pulse.pending = Int(clamping: try connection.integer(count, [.text("pending")]) ?? 0)
            pulse.backlog = Int(
                clamping: try connection.integer("SELECT count(*) FROM artifacts WHERE state = 'pending'") ?? 0)
            let next = try connection.prepare(
                """
                SELECT id, deadline, image, tag FROM sessions WHERE state = 'pending' AND deadline IS NOT NULL
                ORDER BY deadline, key LIMIT \(max(0, deadlines))
                """)
            while try next.step() {
                pulse.deadlines.append(
                    StorePulse.Deadline(
                        session: next.text(0), time: next.integer(1), image: next.text(2), tag: next.textOrNil(3)))
            }
            return pulse
        }
    }
}
