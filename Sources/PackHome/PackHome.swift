public import Files
internal import Glibc
public import Pack

/// Where the packs of a store live.
///
/// A pack has the same path in every home, relative to the store: `packs/2026/11/20/<name>.pack`. Paths come from rows of
/// the catalog, which may be damaged: a home refuses those that `PackPath.isPlace` refuses.
///
/// All calls block, for as long as a disk or a network takes. Call them on a thread of your own, never on one of Swift
/// concurrency's. A home may be used by several threads at once.
///
/// What every home promises:
/// - A published pack is complete and survives a power cut or the loss of this process. Readers find all of it or nothing.
/// - A pack that is open stays readable, with the bytes it had, when it is replaced or removed. A home that reads ranges
///   over a network may throw instead, with `isAbsence` for a pack that was removed; it never returns other bytes.
/// - "Cannot be read now" is never reported as "does not exist": an error has `PackError.isAbsence` only if the pack was
///   looked for and is not there.
///
/// What homes do differently: a folder replaces a pack by renaming, so that a session's next generation may take the path
/// of the one before. A home that several machines share never reuses a path for other bytes: it refuses to publish under a
/// path that is taken, and its caller chooses a new path for each generation (`PackPath.generation`). ``reusesPaths`` tells
/// which of both a home does.
public protocol PackHome: Sendable {
    /// Names the home in messages: a folder's path, or an address without credentials.
    var location: String { get }

    /// Whether a pack may take the path of another one, now or later. Where it may not, a path names the same bytes for
    /// ever.
    var reusesPaths: Bool { get }

    /// The home that has the packs themselves; another one than this home if this one keeps copies. To find out whether
    /// packs are sound, read them there.
    var original: any PackHome { get }

    // MARK: Looking

    /// Lists all packs. Parts that cannot be listed are reported in the result; their packs must not be taken for gone.
    ///
    /// A pack that is published or removed meanwhile may be listed or not. Unfinished packs are not listed.
    func list() -> PackListing

    /// Whether a pack exists, and its size.
    func presence(of path: String) -> PackPresence

    /// The paths of all packs with a session's file name, or one of its second names, on any day.
    ///
    /// - Parameters:
    ///   - session: the session's id.
    ///   - first: a path on the day the session was created. Earlier days that cannot be read are ignored: they hold no
    ///     pack of it. A home for which listing a day is a request looks at that day only; without a path, at all.
    /// - Throws: `PackError` when a part of the home cannot be read that may hold a pack of the session.
    func paths(of session: String, from first: String?) throws(PackError) -> [String]

    // MARK: Reading

    /// Opens a pack's bytes. A remote home requests the end of the pack here, in one request, because opening a pack begins
    /// with it; everything else is read when it is needed.
    ///
    /// - Throws: `PackError`, with `isAbsence` if there is no such pack.
    func bytes(of path: String) throws(PackError) -> PackBytes

    /// Ranges of a pack of which size and identity are known, such as from an earlier look. A remote home requests nothing
    /// here; the first read throws if the pack is not there or is another one.
    ///
    /// - Parameters:
    ///   - size: the pack's size in bytes.
    ///   - identity: the pack's identity; nil takes the pack that the first read finds.
    func ranges(of path: String, size: UInt64, identity: PackIdentity?) throws(PackError) -> any RangeReader

    /// Opens a pack as a local file, for a process that gets nothing but a descriptor. A remote home downloads it first.
    ///
    /// - Throws: `PackError`, with `isAbsence` if there is no such pack.
    func localCopy(of path: String) throws(PackError) -> LocalPack

    // MARK: Changing

    /// Checks that a pack can be published under a path, as far as that can be known before it is written. A call before
    /// the pack is made saves the work of making one that cannot be published.
    func prepare(_ path: String) throws(PackError)

    /// Publishes a finished pack. When this returns, the pack survives a power cut, and `file` no longer exists.
    ///
    /// A call that throws leaves `file` and the pack at `path`, if any, as they were. A failed sync is final: the file must
    /// be written again from its sources, because the kernel may have dropped its pages.
    ///
    /// - Parameters:
    ///   - file: the path of a local file, with mode 0600.
    ///   - path: the pack's path. See above for what happens when it is taken.
    func publish(_ file: String, as path: String) throws(PackError)

    /// Removes a pack. Does nothing if it does not exist.
    ///
    /// - Parameter identity: if given, only a pack with this identity is removed.
    @discardableResult
    func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval

    /// Removes many packs, whichever they are. Those that do not exist count as removed.
    ///
    /// - Returns: the paths that could not be removed, each with the reason.
    func remove(_ paths: [String]) -> [(path: String, error: PackError)]

    /// Gives a damaged pack another path, which `list` reports apart from the packs, and returns that path. Repeating an
    /// interrupted call returns the path that the pack has already.
    ///
    /// - Parameters:
    ///   - pack: the pack, open.
    ///   - path: its path.
    ///   - keepsPath: whether the pack should keep its path as well, until another pack is published there. A home that
    ///     cannot do both moves it.
    func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String

    /// Removes what interrupted publications of processes that no longer run have left.
    ///
    /// - Parameter folder: the folder in which this store's packs are written before they are published.
    func removeUnfinished(writtenIn folder: OpenFolder)
}

extension PackHome {
    /// This home.
    public var original: any PackHome { self }

    /// Opens the pack and compares it with what is expected.
    public func ranges(
        of path: String, size: UInt64, identity: PackIdentity?
    ) throws(PackError) -> any RangeReader {
        let bytes = try bytes(of: path)
        let found = try bytes.identity()
        guard bytes.size == size, identity == nil || found == identity else { throw .replaced(path) }
        return bytes.ranges
    }

    /// Removes one pack after another.
    public func remove(_ paths: [String]) -> [(path: String, error: PackError)] {
        var failures: [(path: String, error: PackError)] = []
        for path in paths {
            do throws(PackError) { try remove(path, ifStill: nil) } catch { failures.append((path, error)) }
        }
        return failures
    }

    /// Opens a pack. With `tolerant`, damage to single sections is listed in `PackReader.footerDamage`.
    ///
    /// - Throws: `PackError`, with `isAbsence` if there is no such pack.
    public func reader(for path: String, tolerant: Bool = false) throws(PackError) -> PackReader {
        try PackReader.open(bytes(of: path), tolerant: tolerant)
    }

    /// Checks a pack. If it cannot be opened as a pack, its frames are walked from the start and the report says how many
    /// are sound. Copies elsewhere do not count.
    ///
    /// - Parameter quick: whether to check the structure only, not the content.
    public func verify(_ path: String, quick: Bool = false) -> PackReport {
        let home = original
        return PackReader.verify(quick: quick) { () throws(PackError) in try home.bytes(of: path) }
    }

    /// Removes a pack, whichever it is. Does nothing if it does not exist.
    @discardableResult
    public func remove(_ path: String) throws(PackError) -> PackRemoval { try remove(path, ifStill: nil) }
}

extension PackError {
    /// Another pack is where one was looked at before.
    public static func replaced(_ path: String) -> PackError {
        PackError(
            .io, "cannot read the pack: another one has taken its place meanwhile", path: path, errno: ESTALE,
            hint: "run the command again")
    }
}
