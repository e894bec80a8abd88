import Catalog
import Clocks
import Model
public import Text

/// What is given about an ingested session. Where a field is nil, what the store knows already stays.
public struct IngestMetadata: Sendable {
    /// The name of its image.
    public var image: String?
    /// The version of its image.
    public var tag: String?
    /// Where it ran.
    public var location: String?
    /// The host that it ran on.
    public var host: String?
    /// Its labels; they are added to those that the store knows.
    public var labels: ByteDictionary<String> = [:]
    /// When it was created, in milliseconds since 1970 UTC.
    public var created: Int64?
    /// When it ended, in milliseconds since 1970 UTC.
    public var exited: Int64?

    /// Creates metadata without labels and times.
    public init(image: String? = nil, tag: String? = nil, location: String? = nil, host: String? = nil) {
        self.image = image
        self.tag = tag
        self.location = location
        self.host = host
    }

    /// Creates metadata with what the store knows about a session.
    init(_ known: SessionRecord?) {
        guard let known else { return }
        let identity = known.identity
        image = identity.image.isEmpty ? nil : identity.image
        (tag, location, host) = (identity.tag, identity.location, identity.host)
        labels = identity.labels
        created = identity.created
    }

    /// Returns this metadata with its missing fields taken from another.
    public func completed(by other: IngestMetadata) -> IngestMetadata {
        var completed = IngestMetadata(
            image: image ?? other.image, tag: tag ?? other.tag, location: location ?? other.location,
            host: host ?? other.host)
        completed.labels = other.labels.merging(labels) { $1 }
        completed.created = created ?? other.created
        completed.exited = exited ?? other.exited
        return completed
    }

    /// Returns the session metadata for the pack.
    ///
    /// - Parameters:
    ///   - session: the session's id.
    ///   - known: the session's row in the catalog.
    ///   - earlier: the metadata in its present pack.
    func facts(_ session: String, known: SessionRecord?, earlier: SessionMetadata?) -> SessionMetadata {
        let now = WallClock.now()
        let isOurs = known.map { $0.source == "ingest" } ?? true
        var facts = SessionMetadata(
            session: session, image: image ?? "", tag: tag, location: location, host: host, created: created)
        if let known { facts.identity.merge(from: known.identity) }
        facts.labels = (known?.labels ?? [:]).merging(labels) { $1 }
        // The catalog's end of an ingested session may be derived from its members, and more members arrive now. Only an
        // end that was given explicitly stays; the pack has it.
        facts.exited = exited ?? (isOurs ? earlier?.exited : known?.exited)
        // Only a harvest sees when a running session ends.
        facts.firstSeenExited = isOurs ? now : known?.firstSeenExited ?? (known?.state == .running ? nil : now)
        // A pack without harvested data is marked so, and a catalog rebuilt from it harvests the session once it is listed.
        facts.source = known?.pack == nil ? "ingest" : known?.source ?? "ingest"
        return facts
    }
}
