import Model
import Pack
import PackHome
import Text

/// The session's existing packs, held open, and the place of its next generation.
///
/// The home of packs is authoritative, not the catalog, which may be lost, restored or outdated. Only a pack that is known
/// to be absent is taken for absent. Any other failure to read one ends the ingest, because publishing would destroy that
/// pack.
final class EarlierPacks {
    /// An earlier pack.
    struct Found {
        /// Relative to the store.
        let path: String
        let file: LocalPack
        /// Why it cannot be opened as a pack; nil when it can.
        let ruin: String?
    }

    /// The path of the new generation, relative to the store.
    private(set) var target: String
    /// The packs that can be opened; the one at ``target``, if any, is first.
    var readable: [Found] { found.filter { $0.ruin == nil } }
    /// All earlier packs.
    private(set) var found: [Found] = []
    private let home: any PackHome
    private let session: SessionMetadata

    /// Finds the session's packs: at the catalog's path, at the standard path, and under its first and second names in
    /// the folders of all other days. Every run has its own key, so a pack with the same key is of the same run.
    ///
    /// - Throws: ``IngestError`` with `localFault` when one of them cannot be read now, or when a day's folder cannot
    ///   be listed and no pack was found where the catalog says.
    init(of session: SessionMetadata, in home: any PackHome, known: String?) throws {
        self.home = home
        self.session = session
        let created = session.created ?? session.firstSeenExited ?? session.exited ?? 0
        let standard = PackPath.folder + "/" + PackPath.relative(session: session.session, created: created)
        target = standard
        var occupied: ByteSet = []
        // A row of a damaged catalog may contain any path.
        if let known, PackPath.isPlace(known) {
            if try take(known) { target = known } else { occupied.insert(known) }
        }
        let places =
            try [standard]
            + Self.places(of: session.session, in: home, from: created > 0 ? standard : nil, mayFail: !found.isEmpty)
        for path in places where known?.hasSameBytes(as: path) != true && !occupied.contains(path) {
            if try !take(path) { occupied.insert(path) }
        }
        if let first = found.first, !found.contains(where: { $0.path.hasSameBytes(as: target) }) {
            target = first.path
        } else if found.isEmpty, occupied.contains(target) {
            // The name belongs to another session.
            let others = (1...PackPath.mostSecondNames).map { PackPath.second(standard, $0) }
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
        of session: String, in home: any PackHome, from first: String?, mayFail: Bool
    ) throws -> [String] {
        do throws(PackError) {
            return try home.paths(of: session, from: first)
        } catch {
            if mayFail { return [] }
            let place = error.path ?? PackPath.folder
            throw IngestError(
                .localFault,
                "cannot tell whether session \(session) has an earlier pack, because a folder of packs cannot be read "
                    + "now (\(error.message)); nothing was changed", path: place)
        }
    }

    /// Adds the pack at a path, if there is one; returns false when it belongs to another session.
    private func take(_ path: String) throws -> Bool {
        let file: LocalPack
        do throws(PackError) { file = try home.localCopy(of: path) } catch {
            if error.isAbsence { return true }
            throw Self.refusal(error, path)
        }
        // It is open, so it exists: whatever fails now, its members must not be dropped.
        do throws(PackError) { return try take(path, file) } catch { throw Self.refusal(error, path) }
    }

    private func take(_ path: String, _ file: LocalPack) throws(PackError) -> Bool {
        if found.contains(where: { $0.file.identity == file.identity }) { return true }
        var ruin: String?
        do throws(PackError) {
            let facts = try PackReader.session(descriptor: file.descriptor)
            guard facts.session.hasSameBytes(as: session.session) else { return false }
        } catch {
            switch error.code {
            // The file name is the session's, and the rest may be sound.
            case .damagedSection: break
            case .notAPack, .damagedFooter: ruin = error.message
            default: throw error
            }
        }
        found.append(Found(path: path, file: file, ruin: ruin))
        return true
    }

    private static func refusal(_ error: PackError, _ path: String) -> IngestError {
        if error.code == .noSpace { return IngestError(.noSpace, error.message, path: path) }
        return IngestError(
            .localFault,
            "the session's earlier pack \(path) cannot be read now (\(error.message)); nothing was changed", path: path)
    }

    // MARK: Making way

    /// Gives a pack another path whose content is not completely in the new generation; returns that path. The pack at
    /// ``target`` also keeps its path until the new one is published there.
    func setAside(_ earlier: Found) throws(PackError) -> String {
        try home.setAside(
            earlier.file, at: earlier.path, keepsPath: earlier.path.hasSameBytes(as: target))
    }

    /// Removes a pack that is not at ``target``; returns whether it did. All of its content must be in the published new
    /// generation.
    func removeMerged(_ earlier: Found) throws(PackError) -> Bool {
        guard !earlier.path.hasSameBytes(as: target) else { return false }
        return try home.remove(earlier.path, ifStill: earlier.file.identity).isRemoved
    }
}
