import Glibc
import Pack
import Text

/// The packs that a session has already, held open, and where its next generation goes.
///
/// What lies on the disk counts, whatever the catalog says: a catalog may be lost, restored or behind. Only the system's
/// word that a name does not exist means that there is no earlier pack; anything else that keeps one from being read ends
/// the ingest, for to publish then would be to destroy it.
final class EarlierPacks {
    /// One of them.
    struct Found {
        /// Relative to the store.
        let path: String
        let descriptor: Int32
        let identity: FileIdentity
        /// Why it cannot be opened as a pack at all; nil when it can.
        let ruin: String?
    }

    /// Where the new generation goes, relative to the store.
    private(set) var target: String
    /// Those that can be opened as packs; the one at ``target`` comes first where it is among them.
    var readable: [Found] { found.filter { $0.ruin == nil } }
    /// All of them.
    private(set) var found: [Found] = []
    private let store: String
    private let session: SessionFacts

    /// Looks for the session's packs: where the catalog says, where a pack of the session is put by rule, and under its
    /// name, or a second one, on every other day. A run of its own has a key of its own, so the same id is the same
    /// session, whatever else the pack says.
    ///
    /// - Throws: ``IngestError`` with `localFault` when one of them cannot be read now, or, where the catalog names none
    ///   that is there, when a day cannot be listed.
    init(of session: SessionFacts, store: String, known: String?) throws {
        self.store = store
        self.session = session
        let created = session.created ?? session.firstSeenExited ?? session.exited ?? 0
        let standard = StorePacks.folder + "/" + PackPath.relative(session: session.session, created: created)
        target = standard
        var occupied: ByteSet = []
        // A row of a damaged catalog may name anything.
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
            // The name is another session's.
            let others = (1...StorePacks.mostSecondNames).map { PackPath.second(standard, $0) }
            guard let free = others.first(where: { !occupied.contains($0) }) else {
                throw IngestError(
                    .packFailed, "too many packs of other sessions have the session's name", path: standard)
            }
            target = free
        }
        found.sort { ($0.path == target ? 0 : 1, $0.path) < ($1.path == target ? 0 : 1, $1.path) }
    }

    /// Where packs with the session's name lie. Where the one that the catalog names is at hand, a day that cannot be
    /// listed costs nothing: a further pack that lies there stays there, and `verify` names it.
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
                "whether session \(session) has an earlier pack cannot be told, for a folder of packs cannot be looked at "
                    + "now (\(error.message)); nothing was changed", path: place)
        }
    }

    deinit { for pack in found { close(pack.descriptor) } }

    /// Takes in what lies at a path; false when it is another session's.
    private func take(_ path: String) throws -> Bool {
        do throws(PackError) {
            guard let (folder, name) = try StorePacks.place(of: path, store: store),
                let entry = try folder.entry(name)
            else { return true }
            guard entry.kind == .file || entry.kind == .link else {
                throw PackError(.io, "it is no file", path: path)
            }
            let descriptor: Int32
            do throws(PackError) {
                descriptor = try folder.openFile(name, followingLink: true)
            } catch {
                // It was there a moment ago: a link that leads nowhere, most likely to a disk that is not mounted.
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
        let identity = try FileIdentity(of: descriptor)
        if found.contains(where: { $0.identity == identity }) { return true }
        var ruin: String?
        do throws(PackError) {
            let facts = try PackReader.session(descriptor: descriptor)
            guard facts.session.hasSameBytes(as: session.session) else { return false }
        } catch {
            switch error.code {
            // The name is the session's, and the rest may be sound.
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

    // MARK: Making way

    /// Sets a pack aside whose content is not all in the new generation, and returns where it lies then, relative to the
    /// store. The pack at ``target`` keeps its name as well until the new one takes it.
    func setAside(_ pack: Found) throws(PackError) -> String {
        guard let (folder, name) = try StorePacks.place(of: pack.path, store: store) else {
            throw PackError(.io, "the folder of a pack that is to be set aside is gone", path: pack.path)
        }
        let parent = pack.path.dropLast(name.utf8.count)
        for number in 1..<10_000 {
            let aside = String(name.dropLast(PackPath.suffix.utf8.count)) + StorePacks.asideMark + String(number)
            if let there = try folder.entry(aside) {
                // An interrupted ingest came as far as this.
                if there.identity == pack.identity { return parent + aside }
                continue
            }
            if try Self.rename(name, aside, in: folder, keepsName: pack.path == target) {
                try folder.sync()
                return parent + aside
            }
        }
        throw PackError(.io, "too many packs of one session were set aside", path: pack.path)
    }

    private static func rename(
        _ name: String, _ aside: String, in folder: OpenFolder, keepsName: Bool
    ) throws(PackError) -> Bool {
        guard keepsName else {
            try folder.move(name, to: folder, as: aside)
            return true
        }
        do throws(PackError) {
            return try folder.link(name, as: aside)
        } catch {
            // Not every file system has second names; then the first is free until the new pack takes it.
            guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(error.errno ?? 0) else { throw error }
            try folder.move(name, to: folder, as: aside)
            return true
        }
    }

    /// Removes a pack that does not lie at ``target`` and all of whose content is in the published new generation.
    func removeMerged(_ pack: Found) throws(PackError) {
        guard pack.path != target, let (folder, name) = try StorePacks.place(of: pack.path, store: store),
            try folder.entry(name, followingLink: true)?.identity == pack.identity
        else { return }
        try folder.remove(name)
    }
}
