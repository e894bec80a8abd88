internal import Text

/// What a bucket says about an object.
public struct S3Object: Sendable, Equatable {
    /// The key, relative to the location's prefix.
    public var key: String
    /// The size in bytes.
    public var size: UInt64
    /// The tag of the content, without quotes. It changes with the content; it is a digest only by chance.
    public var etag: String
    /// The last change, in nanoseconds since 1970; 0 if the server did not say. Servers tell whole seconds or milliseconds.
    public var modified: Int64

    /// Creates a description.
    public init(key: String, size: UInt64, etag: String, modified: Int64) {
        self.key = key
        self.size = size
        self.etag = etag
        self.modified = modified
    }

    /// Whether both have the same values; texts are compared by their bytes.
    public static func == (left: S3Object, right: S3Object) -> Bool {
        left.key.hasSameBytes(as: right.key) && left.size == right.size && left.etag.hasSameBytes(as: right.etag)
            && left.modified == right.modified
    }
}

/// One answer of a listing.
public struct S3Page: Sendable, Equatable {
    /// The objects, in the order of their keys' bytes.
    public var objects: [S3Object] = []
    /// With a delimiter: what keys begin with up to it, the delimiter included, relative to the location's prefix.
    public var folders: [String] = []
    /// How many keys the page had that are not UTF-8 or outside of the prefix. None of them is ours.
    public var unreadable = 0

    /// Creates an empty page.
    public init() {}
}

/// An upload in parts that was neither completed nor aborted.
public struct S3Upload: Sendable, Equatable {
    /// The key, relative to the location's prefix.
    public var key: String
    /// The server's id for it.
    public var id: String
    /// When it began, in nanoseconds since 1970; 0 if the server did not say.
    public var begun: Int64

    /// Creates a description.
    public init(key: String, id: String, begun: Int64) {
        self.key = key
        self.id = id
        self.begun = begun
    }
}

/// What a client has done since it was made.
public struct S3Counts: Sendable, Equatable {
    /// Requests that were sent, retries among them.
    public var requests: UInt64 = 0
    /// Requests that were sent again.
    public var retries: UInt64 = 0
    /// Answers that asked to slow down: 429, 503 and `SlowDown`.
    public var slowed: UInt64 = 0
    /// Bytes of bodies that arrived.
    public var bytesIn: UInt64 = 0
    /// Bytes of bodies that were sent.
    public var bytesOut: UInt64 = 0
    /// How far the server's clock was ahead of ours when it refused a request for that, in milliseconds; requests are
    /// stamped with its time since then. 0 if that never happened.
    public var clockOffset: Int64 = 0
    /// The most requests that are sent at once now.
    public var parallel = 0

    /// Creates counts that are zero.
    public init() {}
}
