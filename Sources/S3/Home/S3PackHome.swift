internal import Files
internal import Glibc
public import Pack
public import PackHome
internal import Text

/// Packs as objects in a bucket. A pack's key is its path, after the prefix of the location.
///
/// A path is used once: its caller makes a new one for each generation (`PackPath.generation`). Servers differ in what
/// they do with conditional writes, so nothing depends on them: a key that is taken is refused before the upload, and two
/// machines never choose the same key.
///
/// Nothing is kept on this machine. `CachedPackHome` keeps copies.
public struct S3PackHome: PackHome {
    let client: S3Client
    /// The folder of copies that are being made.
    let localCopies: String
    private let local: String
    private let parallel: Int

    /// Names the packs in a bucket. Nothing is requested.
    ///
    /// - Parameters:
    ///   - client: requests the objects.
    ///   - local: the store's local folder, which must exist when a pack is copied: copies are unnamed files in its
    ///     folder `cache`.
    ///   - parallel: the most requests at once for the ranges of one pack.
    public init(_ client: S3Client, local: String, parallel: Int = 64) {
        self.client = client
        self.local = local
        self.parallel = parallel
        localCopies = local + "/cache"
    }

    /// The bucket's address.
    public var location: String { client.location.description }

    /// A path names the same bytes for ever.
    public var reusesPaths: Bool { false }

    // MARK: Looking

    /// Whether a pack exists. Only an answer of the bucket that there is no such object is absence.
    public func presence(of path: String) -> PackPresence {
        do throws(PackError) { return try object(path).map { .present(StoredPack($0)) } ?? .absent } catch {
            return .unknown(error)
        }
    }

    /// What the bucket says about a pack; nil if it is known to be absent.
    private func object(_ path: String) throws(PackError) -> S3Object? {
        try require(path)
        return try entry(path)
    }

    private func entry(_ key: String) throws(PackError) -> S3Object? {
        do throws(S3Error) { return try client.head(key) } catch { throw PackError(error, path: key) }
    }

    /// Visits all objects whose key begins with a text.
    ///
    /// - Throws: `PackError`, never one that is an absence.
    func visit(_ prefix: String, _ each: (S3Object) -> Void) throws(PackError) {
        do {
            try client.list(prefix, after: nil, delimiter: nil) { page in
                for object in page.objects { each(object) }
                return true
            }
        } catch let error as S3Error {
            throw PackError(error, path: PackPath.folder)
        } catch {
            throw PackError(.io, "cannot list the bucket: \(error)", path: PackPath.folder)
        }
    }

    // MARK: Reading

    /// Requests the pack's end.
    public func bytes(of path: String) throws(PackError) -> PackBytes {
        try require(path)
        let end: (bytes: [UInt8], object: S3Object)
        do throws(S3Error) { end = try client.end(of: path, PackBytes.endSize) } catch {
            throw PackError(error, path: path, isOfPack: true)
        }
        return try PackBytes(S3Ranges(client, end.object, last: end.bytes, parallel: parallel), path: path)
    }

    /// Ranges whose first answer tells whether the pack is the one expected.
    public func ranges(
        of path: String, size: UInt64, identity: PackIdentity?
    ) throws(PackError) -> any RangeReader {
        try require(path)
        return S3Ranges(client, key: path, size: size, identity: identity, parallel: parallel)
    }

    /// Downloads the pack into an unnamed file of the local folder.
    public func localCopy(of path: String) throws(PackError) -> LocalPack {
        guard let object = try object(path) else {
            throw PackError(FileFailure("copy the pack", path, errno: ENOENT))
        }
        let space = try PackError.local("copy the pack") { () throws(FileFailure) in try Folders.space(local) }
        guard space.free > object.size, space.free - object.size >= Self.reserve else { throw noRoom(object, space) }
        let files = try unnamedFile()
        defer { close(files.writing) }
        do throws(PackError) {
            let arrived: S3Object
            do throws(S3Error) { arrived = try client.download(path, to: files.writing) } catch {
                if error.code == .local, let left = try? Folders.space(local), left.free < object.size {
                    throw noRoom(object, left)
                }
                throw PackError(error, path: path, isOfPack: true)
            }
            guard PackIdentity(arrived) == PackIdentity(object) else { throw .replaced(path) }
            let size = try PackError.local("copy the pack") { () throws(FileFailure) in
                try Descriptor.size(files.reading, path: path)
            }
            guard size == object.size else {
                throw PackError(.io, "the pack was not copied completely", path: path)
            }
        } catch {
            close(files.reading)
            throw error
        }
        return LocalPack(descriptor: files.reading, identity: PackIdentity(object))
    }

    /// How much space a copy leaves free, in bytes: the spool is on the same file system.
    private static let reserve: UInt64 = 64 << 20

    private func noRoom(_ object: S3Object, _ space: Folders.Space) -> PackError {
        PackError(
            .noSpace,
            "no room for a copy of the pack: it has \(counted(object.size, "byte")), \(local) has "
                + "\(space.free >> 20) MiB free, of which \(Self.reserve >> 20) MiB stay free", path: object.key,
            hint: "free space there, or name a folder on a larger file system as `cache: { path: }` of the store")
    }

    /// Creates a file without a name and opens it twice: the process that gets the copy must not be able to change it.
    private func unnamedFile() throws(PackError) -> (writing: Int32, reading: Int32) {
        do throws(FileFailure) {
            try Folders.make(localCopies, below: local)
            let open = try OpenFolder(path: localCopies)
            let name = LocalCopyName.make()
            let writing = try open.createFile(name)
            do throws(FileFailure) {
                let reading = try open.openFile(name)
                // What stays in place is removed by the next harvest.
                _ = try? open.remove(name)
                return (writing, reading)
            } catch {
                close(writing)
                _ = try? open.remove(name)
                throw error
            }
        } catch {
            throw PackError(local: error, "copy the pack")
        }
    }

    // MARK: Changing

    /// Checks that the bucket answers and has no object at the path.
    public func prepare(_ path: String) throws(PackError) {
        if try object(path) != nil { throw taken(path) }
    }

    private func taken(_ path: String) -> PackError {
        PackError(
            .io, "cannot publish the pack: its key is taken, and an object is never replaced", path: path,
            errno: EEXIST)
    }

    /// Uploads a pack. The client reads its last bytes back and compares them with the file's.
    public func publish(_ file: String, as path: String) throws(PackError) {
        try prepare(path)
        let source: Int32
        do throws(FileFailure) { source = try Descriptor.open(file, O_RDONLY | O_NOFOLLOW) } catch {
            throw PackError(local: error, "open the new pack")
        }
        defer { close(source) }
        let size = try PackError.local("open the new pack") { () throws(FileFailure) in
            try Descriptor.size(source, path: file)
        }
        try upload(source, size, to: path)
        unlink(file)
    }

    private func upload(_ source: Int32, _ size: UInt64, to key: String) throws(PackError) {
        do throws(S3Error) {
            let made = try client.upload(key, from: source, size: size)
            guard made.size == size else {
                throw S3Error(.damaged, "the object has \(made.size) bytes, the pack \(size)", key: key)
            }
        } catch {
            if error.code == .exists { throw taken(key) }
            // The key was free, so the object is ours. One that stays is found by the sweep.
            if error.code == .damaged { _ = try? client.delete([key]) }
            throw PackError(error, path: key)
        }
    }

    /// Removes a pack. Other machines may read it: only `prune` and the removal of garbage do this.
    @discardableResult
    public func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval {
        guard let there = try object(path) else { return .nothing }
        if let identity, PackIdentity(there) != identity { return .nothing }
        if let failure = remove([path]).first { throw failure.error }
        return PackRemoval(isRemoved: true)
    }

    /// Removes many packs with few requests.
    public func remove(_ paths: [String]) -> [(path: String, error: PackError)] {
        var failures: [(path: String, error: PackError)] = []
        var keys: [String] = []
        for path in paths {
            do throws(PackError) {
                try require(path)
                keys.append(path)
            } catch {
                failures.append((path, error))
            }
        }
        if keys.isEmpty { return failures }
        do throws(S3Error) {
            for (key, error) in try client.delete(keys) {
                failures.append((key, PackError(error, path: key)))
            }
        } catch {
            failures += keys.map { ($0, PackError(error, path: $0)) }
        }
        return failures
    }

    /// Uploads a damaged pack under the key of one that was set aside, `<name>.pack.damaged-<number>`.
    public func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String {
        try require(path)
        let size = try PackError.wrap(try Descriptor.size(pack.descriptor))
        for number in 1..<1000 {
            let aside = String(path.dropLast(PackPath.suffix.utf8.count)) + PackPath.asideMark + String(number)
            if let there = try entry(aside) {
                // An interrupted call has done this already.
                guard try isCopy(there, of: pack.descriptor, size) else { continue }
            } else {
                try upload(pack.descriptor, size, to: aside)
            }
            if !keepsPath { try remove(path, ifStill: pack.identity) }
            return aside
        }
        throw PackError(.io, "too many packs of one session were set aside", path: path)
    }

    private func isCopy(_ object: S3Object, of source: Int32, _ size: UInt64) throws(PackError) -> Bool {
        guard object.size == size, size > 0 else { return object.size == size }
        // A path has the same bytes for ever, so that an object of its name and size is a copy; the end makes sure.
        let count = Int(min(size, UInt64(PackBytes.endSize)))
        let own = try PackError.wrap(try Descriptor.read(source, at: size - UInt64(count), count: count))
        do throws(S3Error) { return try client.end(of: object.key, count).bytes == own } catch {
            throw PackError(error, path: object.key)
        }
    }

    func require(_ path: String) throws(PackError) {
        guard PackPath.isPlace(path) else {
            throw PackError(.outOfRange, "the path is not that of a pack below \(PackPath.folder)/", path: path)
        }
    }
}
