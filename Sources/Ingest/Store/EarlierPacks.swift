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
    /// The packs that can be opened; the one at ``target``, if any, is first, or else the catalog's.
    var readable: [Found] { found.filter { $0.ruin == nil } }
    /// All earlier packs.
    private(set) var found: [Found] = []
    private let home: any PackHome
    private let session: SessionMetadata

    /// Finds the session's packs. Every run has its own key, so a pack with the same key is of the same run.
    ///
    /// In a home that reuses paths: at the catalog's path, at the standard path, and under its first and second names in
    /// the folders of all other days. In a home that does not: at the catalog's path, and all generations on the session's
    /// day, whoever made them under whichever epoch. There the target is a path that no pack had before.
    ///
    /// - Parameters:
    ///   - known: the path of the session's pack according to the catalog.
    ///   - epoch: the number of the claim under which the new generation is made.
    /// - Throws: ``IngestError`` with `localFault` when one of them cannot be read now, or when the home cannot be listed
    ///   where they may be. Where paths are reused, a failed listing is ignored if a pack is where the catalog says.
    init(of session: SessionMetadata, in home: any PackHome, known: String?, epoch: UInt64 = 0) throws {
        self.home = home
        self.session = session
        let created = session.created ?? session.firstSeenExited ?? session.exited ?? 0
        let standard = PackPath.folder + "/" + PackPath.relative(session: session.session, created: created)
        target = standard
        // A row of a damaged catalog may contain any path.
        let known = known.flatMap { PackPath.isPlace($0) ? $0 : nil }
        if home.reusesPaths {
            try findReplaced(standard, known, hasDay: created > 0)
        } else {
            target = PackPath.generation(standard, epoch: epoch, nonce: .random(in: 0 ... .max))
            try findGenerations(standard, known)
        }
    }

    private func findReplaced(_ standard: String, _ known: String?, hasDay: Bool) throws {
        var occupied: ByteSet = []
        if let known {
            if try take(known) { target = known } else { occupied.insert(known) }
        }
        let places =
            try [standard]
            + Self.places(of: session.session, in: home, from: hasDay ? standard : nil, mayFail: !found.isEmpty)
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

    /// Only the day of the session's creation is listed, in one request: every generation is made on that day's path, as
    /// the day stays with the session in the catalog. A generation on another day, which only the catalog's loss or a
    /// corrected creation time can leave, is found by `reindex` and by the sweep, which read what no row names.
    ///
    /// The listing must succeed, even if the catalog's pack is there: a generation that its maker could not commit may
    /// have the only copy of a download, and is garbage once a later one is committed.
    private func findGenerations(_ standard: String, _ known: String?) throws {
        if let known { _ = try take(known) }
        let places = try Self.places(of: session.session, in: home, from: standard, mayFail: false)
        for path in places where known?.hasSameBytes(as: path) != true { _ = try take(path) }
        func rank(_ pack: Found) -> (Int, UInt64, String) {
            let isKnown = known?.hasSameBytes(as: pack.path) == true
            return (isKnown ? 0 : 1, .max - (PackPath.generation(of: pack.path)?.epoch ?? 0), pack.path)
        }
        found.sort { rank($0) < rank($1) }
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
                "cannot tell whether session \(session) has an earlier pack, because the place of its packs cannot be read "
                    + "now (\(error.message)); nothing was changed", path: place, of: error)
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
        if error.code == .noSpace { return IngestError(.noSpace, error.message, path: path, of: error) }
        return IngestError(
            .localFault,
            "the session's earlier pack \(path) cannot be read now (\(error.message)); nothing was changed", path: path,
            of: error)
    }

    // MARK: Making way

    /// Gives a pack another path whose content is not completely in the new generation; returns that path. The pack at
    /// ``target`` also keeps its path until the new one is published there; so does one whose path is never reused, because
    /// the catalog names it until the new one is committed, which may be refused.
    func setAside(_ earlier: Found) throws(PackError) -> String {
        try home.setAside(
            earlier.file, at: earlier.path,
            keepsPath: !home.reusesPaths || earlier.path.hasSameBytes(as: target))
    }

    /// The packs that the commit of the new generation makes garbage; none in a home that reuses paths.
    var superseded: [String] { home.reusesPaths ? [] : found.map(\.path) }

    /// Removes a pack that is not at ``target``; returns whether it did. All of its content must be in the published new
    /// generation. Where paths are not reused, none is removed: other machines read it until the commit, and after it.
    func removeMerged(_ earlier: Found) throws(PackError) -> Bool {
        guard home.reusesPaths, !earlier.path.hasSameBytes(as: target) else { return false }
        return try home.remove(earlier.path, ifStill: earlier.file.identity).isRemoved
    }
}
