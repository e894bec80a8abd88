import Files
import FoundationEssentials
import Glibc
import Ingest
import Live
import Model
import Pack
import Synchronization
import Text

/// A thread-safe set of names.
final class SharedNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }

    func remove(_ gone: [String]) { names.withLock { $0.subtract(gone) } }

    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}

/// The folders that could not be read, by name, with the reason. Thread-safe.
final class UnreadFolders: Sendable {
    private let reasons = Mutex<[String: String]>([:])

    /// Why a folder could not be read; nil if it was read.
    subscript(name: String) -> String? {
        get { reasons.withLock { $0[name] } }
        set { reasons.withLock { $0[name] = newValue } }
    }
}

extension Spool {
    /// The spool's content at the start of a run.
    struct Survey: Sendable {
        var leftovers: [Leftovers] = []
        /// Warnings for the operator, one sentence each.
        var notes: [String] = []
    }

    /// Returns everything that an interrupted run left.
    ///
    /// Removes a folder only if it contains no byte of a download. This run leaves a folder alone that it cannot read,
    /// and moves downloads of unknown sessions aside. Never follows links.
    ///
    /// - Throws: `FileFailure` when the spool itself cannot be read.
    func leftovers() throws(FileFailure) -> Survey {
        var survey = Survey()
        guard let top = try OpenFolder(ifPresent: folder) else { return survey }
        for entry in try top.entries() where !entry.name.hasPrefix(".") {
            guard entry.kind == .folder else {
                survey.notes.append("\(folder)/\(entry.name) is not a folder of downloads; left alone")
                continue
            }
            look(entry, of: top, into: &survey)
        }
        return survey
    }

    /// Returns the content of one session's folders that could not be read before; nil if they still cannot be.
    func leftovers(of key: String) throws(FileFailure) -> (found: [Leftovers], live: [Leftovers])? {
        let name = PackPath.escaped(key)
        var surveys = [Survey(), Survey()]
        unread[name] = nil
        for (index, root) in [folder, liveRoot].enumerated() {
            do throws(FileFailure) {
                guard let top = try OpenFolder(ifPresent: root), let entry = try top.entry(name),
                    entry.kind == .folder
                else { continue }
                if index == 0 {
                    look(entry, of: top, into: &surveys[0])
                } else {
                    lookForLog(entry, of: top, into: &surveys[1])
                }
            } catch {
                unread[name] = error.message
            }
        }
        return unread[name] == nil ? (surveys[0].leftovers, surveys[1].leftovers) : nil
    }

    private func look(_ entry: OpenFolder.Entry, of top: OpenFolder, into survey: inout Survey) {
        do throws(FileFailure) {
            try take(entry, of: top, into: &survey)
        } catch {
            if error.isAbsence { return }
            unread[entry.name] = error.message
            survey.notes.append(
                "downloads cannot be read now, trying again later: \(error.message) (\(folder)/\(entry.name))")
        }
    }

    private func take(_ entry: OpenFolder.Entry, of top: OpenFolder, into survey: inout Survey) throws(FileFailure) {
        let open = try top.folder(entry)
        // Another process is packing files of this session; the folder belongs to it until it is done.
        guard try FileLock.tryTake(.exclusive, of: open.descriptor, path: open.path) else {
            unread[entry.name] = "another process, such as salvage ingest, is packing files of this session"
            return
        }
        let (manifest, problem) = try manifest(of: open, named: entry.name)
        let files = try open.entries()
        guard let manifest else {
            guard files.contains(where: Self.holdsBytes) else { return try removeRest(files, open, entry.name, top) }
            let place = try setAside(entry.name, of: top)
            survey.notes.append("\(problem ?? open.path); its files were moved to \(place)")
            return
        }
        if let problem { survey.notes.append("\(problem); its downloads were identified by their names") }
        var found: [SpooledFile] = []
        for file in files where Self.holdsBytes(file) || (file.kind == .file && file.name.hasSuffix(".complete")) {
            if let download = try download(file, in: open, of: manifest) {
                found.append(download)
            } else if Self.holdsBytes(file) {
                let place = try setAside(file, in: open, of: entry.name, top)
                survey.notes.append("\(open.path)/\(file.name) belongs to no artifact; it was moved to \(place)")
            }
        }
        guard !found.isEmpty else { return try removeRest(files, open, entry.name, top) }
        survey.leftovers.append(Leftovers(folder: open.path, manifest: manifest, files: found))
    }

    /// Determines whose downloads a folder contains: from its manifest, otherwise from its name and its files' names.
    /// `problem` says why the manifest was not used.
    private func manifest(
        of open: OpenFolder, named name: String
    ) throws(FileFailure) -> (manifest: Manifest?, problem: String?) {
        var problem = "\(open.path) has no \(Spool.manifestName)"
        do throws(FileFailure) {
            let bytes = try open.content(of: Spool.manifestName, limit: 1 << 22)
            if let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)) {
                if PackPath.escaped(manifest.facts.session) == name { return (manifest, nil) }
                problem = "\(open.path)/\(Spool.manifestName) belongs to another session"
            } else {
                problem = "\(open.path)/\(Spool.manifestName) is damaged"
            }
        } catch {
            switch error {
            case _ where error.isAbsence: break
            case _ where error.errno == EOVERFLOW: problem = "\(open.path)/\(Spool.manifestName) is damaged"
            default: throw error
            }
        }
        guard let session = PackPath.unescaped(name) else { return (nil, problem) }
        let names = try open.entries().compactMap { Self.holdsBytes($0) ? Self.parts($0.name) : nil }
        let artifacts = ByteSet(names.compactMap { PackPath.unescaped($0.stem) })
        guard !artifacts.isEmpty else { return (nil, problem) }
        return (Manifest(facts: SessionMetadata(session: session), artifacts: artifacts.sorted()), problem)
    }

    /// Splits a download's name into the escaped artifact, its number and its ending.
    private static func parts(_ name: String) -> (stem: String, number: Int, ending: String)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, let ending = parts.last, let number = Int(parts[parts.count - 2]),
            ["part", "cut", "complete"].contains(ending)
        else { return nil }
        return (parts.dropLast(2).joined(separator: "."), number, String(ending))
    }

    /// Returns the download of an entry; nil when its name is not that of a download.
    private func download(
        _ entry: OpenFolder.Entry, in open: OpenFolder, of manifest: Manifest
    ) throws(FileFailure) -> SpooledFile? {
        guard let (stem, number, ending) = Self.parts(entry.name) else { return nil }
        // An artifact that the manifest lacks belongs to an earlier rule.
        let known = manifest.artifacts.first { PackPath.escaped($0) == stem }
        guard let artifact = known ?? PackPath.unescaped(stem) else { return nil }
        var name = entry.name
        if ending == "part" {
            // A killed run left this much. Rename it so that no later try overwrites it.
            for more in 0..<1000 {
                name = "\(stem).\(number + more * 1000).cut"
                if try open.entry(name) == nil { break }
            }
            try open.move(entry.name, to: open, as: name)
        }
        var file = SpooledFile(
            artifact: artifact, path: open.path + "/" + name, bytes: entry.size, complete: ending == "complete")
        file.modified = entry.modified
        // The number is the generation of a followed log's copy, or the start time of a download.
        file.isFromFollowing = number < LiveLog.mostGenerations
        return file
    }

    /// Returns whether a file may contain bytes of a download.
    private static func holdsBytes(_ entry: OpenFolder.Entry) -> Bool {
        entry.kind == .file && entry.size > 0 && entry.name != Spool.manifestName
            && entry.name != Spool.manifestName + ".part" && !entry.name.hasPrefix(".ingest.")
    }

    /// Returns whether a file is a temporary file of another process that still runs.
    private static func isInUse(_ entry: OpenFolder.Entry) -> Bool {
        guard entry.name.hasPrefix(".ingest.") else { return false }
        guard let owner = entry.name.split(separator: ".").dropFirst().first.flatMap({ pid_t($0) }) else { return true }
        return owner != getpid() && (kill(owner, 0) == 0 || errno != ESRCH)
    }

    private func removeRest(
        _ files: [OpenFolder.Entry], _ open: OpenFolder, _ name: String, _ top: OpenFolder
    ) throws(FileFailure) {
        for file in files where file.kind == .file && !Self.isInUse(file) { try open.remove(file) }
        try top.removeFolder(name)
    }

    // MARK: Dropping and moving aside

    /// Removes a session's folder once its downloads are in a pack.
    ///
    /// A download that is still there was neither packed nor discarded on purpose. Unless `discarding`, it stays, and
    /// so does the folder.
    ///
    /// - Parameters:
    ///   - live: whether to remove the session's followed log, too.
    ///   - discarding: whether to remove remaining downloads.
    /// - Returns: the paths of the downloads that stay.
    @discardableResult
    func drop(_ key: String, live: Bool = true, discarding: Bool = false) throws(FileFailure) -> [String] {
        let name = PackPath.escaped(key)
        guard unread[name] == nil else { return [] }
        var left: [String] = []
        if let (top, open) = try Self.open(folder, name) {
            for file in try open.entries() where Self.holdsBytes(file) && !discarding {
                let path = open.path + "/" + file.name
                if !letGo.contains(path) { left.append(path) }
            }
            if left.isEmpty { try removeRest(try open.entries(), open, name, top) }
        }
        if live, let (top, open) = try Self.open(liveRoot, name) {
            for file in try open.entries() where file.kind == .file { try open.remove(file) }
            try top.removeFolder(name)
        }
        return left
    }

    /// Opens a folder and one inside it; nil when either does not exist.
    private static func open(
        _ path: String, _ name: String
    ) throws(FileFailure) -> (top: OpenFolder, folder: OpenFolder)? {
        guard let top = try OpenFolder(ifPresent: path), let folder = try top.folder(ifPresent: name) else {
            return nil
        }
        return (top, folder)
    }

    /// Moves a whole folder aside; returns its new path.
    private func setAside(_ name: String, of top: OpenFolder) throws(FileFailure) -> String {
        let aside = try top.makeFolder(Spool.asideName)
        let target = try Self.free(name, in: aside)
        try top.move(name, to: aside, as: target)
        try aside.sync()
        return aside.path + "/" + target
    }

    /// Moves one file aside; returns its new path.
    private func setAside(
        _ file: OpenFolder.Entry, in open: OpenFolder, of name: String, _ top: OpenFolder
    ) throws(FileFailure) -> String {
        let aside = try top.makeFolder(Spool.asideName).makeFolder(name)
        let target = try Self.free(file.name, in: aside)
        try open.move(file.name, to: aside, as: target)
        try aside.sync()
        return aside.path + "/" + target
    }

    private static func free(_ name: String, in folder: OpenFolder) throws(FileFailure) -> String {
        for number in 0..<10_000 {
            let target = number == 0 ? name : "\(name).\(number)"
            if try folder.entry(target) == nil { return target }
        }
        throw FileFailure("move another file of the same name aside", folder.path, errno: EEXIST)
    }

    // MARK: Followed logs

    /// Returns the logs that an interrupted run was following. This run leaves a log alone that it cannot read.
    func liveLeftovers() throws(FileFailure) -> Survey {
        var survey = Survey()
        guard let top = try OpenFolder(ifPresent: liveRoot) else { return survey }
        for entry in try top.entries() where entry.kind == .folder { lookForLog(entry, of: top, into: &survey) }
        return survey
    }

    private func lookForLog(_ entry: OpenFolder.Entry, of top: OpenFolder, into survey: inout Survey) {
        do {
            let open = try top.folder(entry)
            guard let manifest = try manifest(of: open, named: entry.name).manifest else { return }
            let bytes = try LiveSnapshot.all(folder: open.path).last?.size ?? 0
            survey.leftovers.append(
                Leftovers(
                    folder: open.path, manifest: manifest,
                    files: bytes > 0 ? [SpooledFile(followed: open.path, bytes: bytes)] : []))
        } catch {
            if (error as? FileFailure)?.isAbsence == true { return }
            unread[entry.name] = "\(error)"
            survey.notes.append(
                "a followed log cannot be read now, trying again later: \(error) (\(liveRoot)/\(entry.name))")
        }
    }
}
