import Files
import Glibc
import Model
import Pack
import Text

/// The session's existing packs, held open, and the place of its next generation.
///
/// The disk is authoritative, not the catalog, which may be lost, restored or outdated. Only ENOENT means that there is
/// no earlier pack. Any other failure to read one ends the ingest, because publishing would destroy that pack.
final class EarlierPacks {
    /// An earlier pack.
    struct Found {
        /// Relative to the store.
        let path: String
        let descriptor: Int32
        let identity: FileIdentity
        /// Why it cannot be opened as a pack; nil when it can.
        let ruin: String?
    }

    /// The path of the new generation, relative to the store.
    private(set) var target: String
    /// The packs that can be opened; the one at ``target``, if any, is first.
    var readable: [Found] { found.filter { $0.ruin == nil } }
    /// All earlier packs.
    private(set) var found: [Found] = []
    private let store: String
    private let session: SessionMetadata

    /// Finds the session's packs: at the catalog's path, at the standard path, and under its first and second names in
    /// the folders of all other days. Every run has its own key, so a pack with the same key is of the same run.
    ///
    /// - Throws: ``IngestError`` with `localFault` when one of them cannot be read now, or when a day's folder cannot
    ///   be listed and no pack was found where the catalog says.
    init(of session: SessionMetadata, store: String, known: String?) throws {
        self.store = store
        self.session = session
        let created = session.created ?? session.firstSeenExited ?? session.exited ?? 0
        let standard = StorePacks.folder + "/" + PackPath.relative(session: session.session, created: created)
        target = standard
        var occupied: ByteSet = []
        // A row of a damaged catalog may contain any path.
        if let known, StorePacks.isPlace(known) {
            if try take(known) { target = known } else { occupied.insert(known) }
        }
        let places =
            try [standard]
            + Self.places(
                of: session.session, store: store, from: created > 0 ? standard : nil, mayFail: !found.isEmpty)
        for path in places where known?.hasSameBytes(as: path) != true && !occupied.contains(path) {
            if try !take(path) { occupied.insert(path) }
        }
        if let first = found.first, !found.contains(where: { $0.path.hasSameBytes(as: target) }) {
            target = first.path
        } else if found.isEmpty, occupied.contains(target) {
            // The name belongs to another session.
            let others = (1...StorePacks.mostSecondNames).map { PackPath.second(standard, $0) }
            guard let free = others.first(where: { !occupied.contains($0) }) else {
                throw IngestError(
                    .packFailed, "too many packs of other sessions use the session's file name", path: standard)
            }
            target = free
        }
        found.sort { ($0.path == target ? 0 : 1, $0.path) < ($1.path == target ? 0 : 1, $1.path) }
    }

    /// Returns the paths of packs with the session's name. With `mayFail`, a folder that cannot be listed is ignored: a
    /// pack was already found, and `verify` reports any other one.
    private static func places(
        of session: String, store: String, from first: String?, mayFail: Bool
    ) throws -> [String] {
        do throws(PackError) {
            return try StorePacks.places(ofName: PackPath.fileName(session: session), store: store, from: first)
        } catch {
            if mayFail { return [] }
            let place = error.path ?? StorePacks.folder
            throw IngestError(
                .localFault,
                "cannot tell whether session \(session) has an earlier pack, because a folder of packs cannot be read "
                    + "now (\(error.message)); nothing was changed", path: place)
        }
    }

    deinit { for pack in found { close(pack.descriptor) } }

    /// Adds the pack at a path, if there is one; returns false when it belongs to another session.
    private func take(_ path: String) throws -> Bool {
        do throws(PackError) {
            guard let (folder, name) = try StorePacks.place(of: path, store: store),
                let entry = try PackError.wrap(try folder.entry(name))
            else { return true }
            guard entry.kind == .file || entry.kind == .link else {
                throw PackError(.io, "it is not a file", path: path)
            }
            let descriptor: Int32
            do throws(FileFailure) {
                descriptor = try folder.openFile(name, followingLink: true)
            } catch {
                // The entry exists: most likely a dangling link to a disk that is not mounted.
                throw PackError(.io, error.message, path: path)
            }
            return try take(path, descriptor)
        } catch {
            throw Self.refusal(error, path)
        }
    }

    private func take(_ path: String, _ descriptor: Int32) throws(PackError) -> Bool {
        var isKept = false
        defer { if !isKept { close(descriptor) } }
        let identity = try PackError.wrap(try FileIdentity(of: descriptor))
        if found.contains(where: { $0.identity == identity }) { return true }
        var ruin: String?
        do throws(PackError) {
            let facts = try PackReader.session(descriptor: descriptor)
            guard facts.session.hasSameBytes(as: session.session) else { return false }
        } catch {
            switch error.code {
            // The file name is the session's, and the rest may be sound.
            case .damagedSection: break
            case .notAPack, .damagedFooter: ruin = error.message
            default: throw error
            }
        }
        found.append(Found(path: path, descriptor: descriptor, identity: identity, ruin: ruin))
        isKept = true
        return true
    }

    private static func refusal(_ error: PackError, _ path: String) -> IngestError {
        if error.code == .noSpace { return IngestError(.noSpace, error.message, path: path) }
        return IngestError(
            .localFault,
            "the session's earlier pack \(path) cannot be read now (\(error.message)); nothing was changed", path: path)
    }

    // MARK: Moving packs aside

    /// Moves a pack aside whose content is not completely in the new generation; returns its new path, relative to the
    /// store. The pack at ``target`` also keeps its name until the new one replaces it.
    func setAside(_ pack: Found) throws(PackError) -> String {
        guard let (folder, name) = try StorePacks.place(of: pack.path, store: store) else {
            throw PackError(.io, "the folder of a pack to be set aside no longer exists", path: pack.path)
        }
        let parent = pack.path.dropLast(name.utf8.count)
        for number in 1..<10_000 {
            let aside = String(name.dropLast(PackPath.suffix.utf8.count)) + StorePacks.asideMark + String(number)
            if let there = try PackError.wrap(try folder.entry(aside)) {
                // An interrupted ingest has done this already.
                if there.identity == pack.identity { return parent + aside }
                continue
            }
            if try PackError.wrap(try Self.rename(name, aside, in: folder, keepsName: pack.path == target)) {
                try PackError.wrap(try folder.sync())
                return parent + aside
            }
        }
        throw PackError(.io, "too many packs of one session were set aside", path: pack.path)
    }

    private static func rename(
        _ name: String, _ aside: String, in folder: OpenFolder, keepsName: Bool
    ) throws(FileFailure) -> Bool {
        guard keepsName else {
            try folder.move(name, to: folder, as: aside)
            return true
        }
        do throws(FileFailure) {
            return try folder.link(name, as: aside)
        } catch {
            // Not every file system has hard links. Without them, the name is unused until the new pack takes it.
            guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(error.errno) else { throw error }
            try folder.move(name, to: folder, as: aside)
            return true
        }
    }

    /// Removes a pack that is not at ``target``. All of its content must be in the published new generation.
    func removeMerged(_ pack: Found) throws(PackError) {
        guard pack.path != target, let (folder, name) = try StorePacks.place(of: pack.path, store: store),
            try PackError.wrap(try folder.entry(name, followingLink: true))?.identity == pack.identity
        else { return }
        _ = try PackError.wrap(try folder.remove(name))
    }
}
