internal import Glibc
public import Pack

/// A pack as its home lists it.
public struct StoredPack: Sendable, Equatable {
    /// Its path, relative to the store.
    public var path: String
    /// Its size in bytes.
    public var size: UInt64
    /// When its bytes were written, in nanoseconds since 1970 UTC.
    public var modified: Int64
    /// Tells it from another pack that takes its path.
    public var identity: PackIdentity
    /// Whether a listing reached it only through a link to another folder. Such a pack may belong to another store too.
    public var isBehindLink: Bool

    /// Creates a pack.
    public init(
        path: String, size: UInt64, modified: Int64, identity: PackIdentity, isBehindLink: Bool = false
    ) {
        self.path = path
        self.size = size
        self.modified = modified
        self.identity = identity
        self.isBehindLink = isBehindLink
    }

    /// The last component of the path.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Whether both are the same bytes at the same path, as far as a listing can tell.
    public func isSame(as other: StoredPack) -> Bool {
        identity == other.identity && size == other.size && modified == other.modified
    }
}

/// Whether a pack exists.
public enum PackPresence: Sendable, Equatable {
    /// The pack exists.
    case present(StoredPack)
    /// The pack does not exist: the place where it would be was read.
    case absent
    /// It cannot be determined now, because of this error.
    case unknown(PackError)
}

/// The packs of a home.
public struct PackListing: Sendable, Equatable {
    /// A part of a home that could not be read: its packs must not be taken for gone.
    public struct Trouble: Sendable, Equatable {
        /// The part, relative to the store.
        public var path: String
        /// The system's error message.
        public var message: String

        /// Creates a trouble.
        public init(path: String, message: String) {
            self.path = path
            self.message = message
        }
    }

    /// The packs, in the order of their paths.
    public var packs: [StoredPack] = []
    /// Damaged packs that were set aside, in the order of their paths.
    public var aside: [StoredPack] = []
    /// What could not be listed.
    public var troubles: [Trouble] = []
    /// Whether nothing was found at all: the home was never used, or its disk is not mounted.
    public var isEmpty = false

    /// Creates an empty listing.
    public init() {}
}

/// What the removal of a pack did.
public struct PackRemoval: Sendable, Equatable {
    /// Whether a pack was removed; false if there was none, or another than the one named.
    public var isRemoved: Bool
    /// Whether the pack was known to be the last of its day.
    public var emptiedDay: Bool

    /// Creates a result.
    public init(isRemoved: Bool, emptiedDay: Bool = false) {
        self.isRemoved = isRemoved
        self.emptiedDay = emptiedDay
    }

    /// Nothing was removed.
    public static let nothing = PackRemoval(isRemoved: false)
}

/// A pack as an open local file, closed when the object is freed. It stays readable when the pack is replaced or removed.
public final class LocalPack: Sendable {
    /// The file's descriptor, open for reading. This object closes it.
    public let descriptor: Int32
    /// Tells the pack from another that takes its path.
    public let identity: PackIdentity

    /// Takes over an open descriptor.
    public init(descriptor: Int32, identity: PackIdentity) {
        self.descriptor = descriptor
        self.identity = identity
    }

    deinit { close(descriptor) }
}
