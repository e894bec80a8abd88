/// Where a store is.
public enum StoreAddress: Sendable, Equatable {
    /// Embedded: the path of a folder, with the catalog in SQLite and the packs as files.
    case folder(String)
    /// Shared by several machines: the catalog in PostgreSQL and the packs in a bucket.
    case shared(SharedStoreAddress)
}

/// Where the parts of a shared store are.
///
/// Only ``catalog`` may have a secret: other passwords and keys come from files, the environment or the machine (see
/// `docs/fleet.md`).
public struct SharedStoreAddress: Sendable, Equatable {
    /// A connection URI of PostgreSQL as libpq reads it: `postgres://salvage@db1,db2/salvage?target_session_attrs=read-write`.
    ///
    /// It may have a password if it comes from the environment, or from a configuration that only its owner can read. Only
    /// libpq gets it; messages and results have the ``description``.
    public var catalog: String
    /// `s3://bucket/prefix`; nil takes what the catalog records, which the first harvester wrote there.
    public var packs: String?
    /// How to reach the bucket.
    public var bucket = BucketSettings()
    /// The folder for what stays on this machine: spool, followed logs, and copies of what the bucket has. Nil is
    /// `$CACHE_DIRECTORY`, else `$XDG_CACHE_HOME/salvage`, else `~/.cache/salvage`.
    public var cache: String?
    /// How many bytes of copies the cache keeps. Spool and followed logs do not count: they are not copies.
    public var cacheBytes: UInt64 = 20 << 30
    /// This machine as one of the harvesters.
    public var harvester = HarvesterSettings()

    /// Creates an address.
    public init(catalog: String, packs: String? = nil) {
        self.catalog = catalog
        self.packs = packs
    }
}

/// How to reach a bucket. What is nil is taken from the catalog's record, then from the environment, then a default.
public struct BucketSettings: Sendable, Equatable {
    /// The server, as `https://host:port`; nil is AWS in the region.
    public var endpoint: String?
    /// The region that requests are signed for; `us-east-1` by default.
    public var region: String?
    /// Whether the bucket is named in the path instead of the host; true by default with an endpoint.
    public var pathStyle: Bool?
    /// A file in the format of `~/.aws/credentials`, with mode 0600; nil uses the environment, then that file, then the
    /// machine's metadata.
    public var credentialsFile: String?
    /// The profile in that file; `default` unless set.
    public var profile: String?
    /// The storage class of new packs; the bucket's default unless set.
    public var storageClass: String?
    /// `AES256` or `aws:kms`; the bucket's default unless set.
    public var encryption: String?
    /// The most requests at once.
    public var parallel = 64

    /// Creates settings that are all default.
    public init() {}
}

/// A machine as one of the harvesters of a shared store.
public struct HarvesterSettings: Sendable, Equatable {
    /// Its name among the harvesters; nil is the host's name and a random part, kept in the cache's folder.
    public var id: String?
    /// How long its claim on a session lasts without being renewed, in milliseconds; at least 20,000.
    public var lease: Int64 = 120_000
    /// The most logs it follows at once.
    public var mostFollowed = 5000

    /// Creates settings that are all default.
    public init() {}
}
