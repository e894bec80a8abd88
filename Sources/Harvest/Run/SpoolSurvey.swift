import FoundationEssentials
import Glibc
import Live
import Pack
import Synchronization
import Text

/// Names that several threads add to and ask for.
final class SharedNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }

    func remove(_ gone: [String]) { names.withLock { $0.subtract(gone) } }

    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}

/// Folders that could not be read, by name, and why. Several threads add to them and ask for them.
final class UnreadFolders: Sendable {
    private let reasons = Mutex<[String: String]>([:])

    /// Why a folder could not be read; nil where it was.
    subscript(name: String) -> String? {
        get { reasons.withLock { $0[name] } }
        set { reasons.withLock { $0[name] = newValue } }
    }
}

extension Spool {
    /// What was found at the start of a run.
    struct Survey: Sendable {
        var leftovers: [Leftovers] = []
        /// What somebody should look at, one sentence each.
        var notes: [String] = []
    }

    /// Everything an interrupted run left.
    ///
    /// A folder is removed only where it holds no byte of a download. One that cannot be read now is left alone by this
    /// run; bytes that belong to no session that can be told are set aside. Links are never followed.
    ///
    /// - Throws: `PackError` when the spool itself cannot be read.
    func leftovers() throws(PackError) -> Survey {
        var survey = Survey()
        let top: OpenFolder
        do throws(PackError) {
            top = try OpenFolder(path: folder)
        } catch {
            if error.isAbsence { return survey }
            throw error
        }
        for entry in try top.entries() where !entry.name.hasPrefix(".") {
            guard entry.kind == .folder else {
                survey.notes.append("\(folder)/\(entry.name) is no folder of downloads and was left alone")
                continue
            }
            look(entry, of: top, into: &survey)
        }
        return survey
    }

    /// What lies in the folders of one session that could not be read before; nil where that still is so.
    func leftovers(of key: String) throws(PackError) -> (found: [Leftovers], live: [Leftovers])? {
        let name = PackPath.escaped(key)
        var surveys = [Survey(), Survey()]
        unread[name] = nil
        for (index, root) in [folder, liveRoot].enumerated() {
            do throws(PackError) {
                let top = try OpenFolder(path: root)
                guard let entry = try top.entry(name), entry.kind == .folder else { continue }
                if index == 0 {
                    look(entry, of: top, into: &surveys[0])
                } else {
                    lookForLog(entry, of: top, into: &surveys[1])
                }
            } catch {
                guard !error.isAbsence else { continue }
                unread[name] = error.message
            }
        }
        return unread[name] == nil ? (surveys[0].leftovers, surveys[1].leftovers) : nil
    }

    private func look(_ entry: OpenFolder.Entry, of top: OpenFolder, into survey: inout Survey) {
        do throws(PackError) {
            try take(entry, of: top, into: &survey)
        } catch {
            if error.isAbsence { return }
            unread[entry.name] = error.message
            survey.notes.append("downloads cannot be read now and wait: \(error.message) (\(folder)/\(entry.name))")
        }
    }

    private func take(_ entry: OpenFolder.Entry, of top: OpenFolder, into survey: inout Survey) throws(PackError) {
        let open = try top.folder(entry)
        // Somebody packs files of this session right now; until that ends, the folder is that process's.
        guard flock(open.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            unread[entry.name] = "another process packs files of this session, such as salvage ingest"
            return
        }
        let (manifest, problem) = try manifest(of: open, named: entry.name)
        let files = try open.entries()
        guard let manifest else {
            guard files.contains(where: Self.holdsBytes) else { return try removeRest(files, open, entry.name, top) }
            let place = try setAside(entry.name, of: top)
            survey.notes.append("\(problem ?? open.path); its files were set aside in \(place)")
            return
        }
        if let problem { survey.notes.append("\(problem); its downloads were taken up by their names") }
        var found: [SpooledFile] = []
        for file in files where Self.holdsBytes(file) || (file.kind == .file && file.name.hasSuffix(".complete")) {
            if let download = try download(file, in: open, of: manifest) {
                found.append(download)
            } else if Self.holdsBytes(file) {
                let place = try setAside(file, in: open, of: entry.name, top)
                survey.notes.append("\(open.path)/\(file.name) belongs to no artifact; it was set aside as \(place)")
            }
        }
        guard !found.isEmpty else { return try removeRest(files, open, entry.name, top) }
        survey.leftovers.append(Leftovers(folder: open.path, manifest: manifest, files: found))
    }

    /// Whose downloads a folder holds: as its manifest says, else as its name and the names in it say. Without a
    /// manifest `problem` says why.
    private func manifest(
        of open: OpenFolder, named name: String
    ) throws(PackError) -> (manifest: Manifest?, problem: String?) {
        var problem = "\(open.path) has no \(Spool.manifestName)"
        do throws(PackError) {
            let bytes = try open.content(of: Spool.manifestName, limit: 1 << 22)
            if let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)) {
                if PackPath.escaped(manifest.facts.session) == name { return (manifest, nil) }
                problem = "\(open.path)/\(Spool.manifestName) is of another session"
            } else {
                problem = "\(open.path)/\(Spool.manifestName) is damaged"
            }
        } catch {
            switch error {
            case _ where error.isAbsence: break
            case _ where error.code == .tooLarge: problem = "\(open.path)/\(Spool.manifestName) is damaged"
            default: throw error
            }
        }
        guard let session = PackPath.unescaped(name) else { return (nil, problem) }
        let names = try open.entries().compactMap { Self.holdsBytes($0) ? Self.parts($0.name) : nil }
        let artifacts = ByteSet(names.compactMap { PackPath.unescaped($0.stem) })
        guard !artifacts.isEmpty else { return (nil, problem) }
        return (Manifest(facts: SessionFacts(session: session), artifacts: artifacts.sorted()), problem)
    }

    /// The parts of a download's name: the escaped artifact, when it began, how it ended.
    private static func parts(_ name: String) -> (stem: String, number: Int, ending: String)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, let ending = parts.last, let number = Int(parts[parts.count - 2]),
            ["part", "cut", "complete"].contains(ending)
        else { return nil }
        return (parts.dropLast(2).joined(separator: "."), number, String(ending))
    }

    /// A download by its entry; nil where its name is none of a download's.
    private func download(
        _ entry: OpenFolder.Entry, in open: OpenFolder, of manifest: Manifest
    ) throws(PackError) -> SpooledFile? {
        guard let (stem, number, ending) = Self.parts(entry.name) else { return nil }
        // An artifact that the manifest does not name is one of a rule of the past.
        let known = manifest.artifacts.first { PackPath.escaped($0) == stem }
        guard let artifact = known ?? PackPath.unescaped(stem) else { return nil }
        var name = entry.name
        if ending == "part" {
            // Whoever was killed here had this much; under its lasting name no later try writes over it.
            for more in 0..<1000 {
                name = "\(stem).\(number + more * 1000).cut"
                if try open.entry(name) == nil { break }
            }
            try open.move(entry.name, to: open, as: name)
        }
        var file = SpooledFile(
            artifact: artifact, path: open.path + "/" + name, bytes: entry.size, complete: ending == "complete")
        file.modified = entry.modified
        // Copies of followed logs carry the number of their generation where downloads carry a time.
        file.isFromFollowing = number < LiveLog.mostGenerations
        return file
    }

    /// Whether a file may hold bytes of a download.
    private static func holdsBytes(_ entry: OpenFolder.Entry) -> Bool {
        entry.kind == .file && entry.size > 0 && entry.name != Spool.manifestName
            && entry.name != Spool.manifestName + ".part" && !entry.name.hasPrefix(".ingest.")
    }

    /// Whether a file is a passing one of a process that still runs.
    private static func isInUse(_ entry: OpenFolder.Entry) -> Bool {
        guard entry.name.hasPrefix(".ingest.") else { return false }
        guard let owner = entry.name.split(separator: ".").dropFirst().first.flatMap({ pid_t($0) }) else { return true }
        return owner != getpid() && (kill(owner, 0) == 0 || errno != ESRCH)
    }

    private func removeRest(
        _ files: [OpenFolder.Entry], _ open: OpenFolder, _ name: String, _ top: OpenFolder
    ) throws(PackError) {
        for file in files where file.kind == .file && !Self.isInUse(file) { try open.remove(file) }
        try top.removeFolder(name)
    }

    // MARK: Dropping and setting aside

    /// Removes a session's folder once its downloads are in a pack.
    ///
    /// A download that is still there was neither packed nor let go by anybody who knows it: unless `discarding`, it
    /// stays, and the folder with it.
    ///
    /// - Parameter live: removes the session's followed log, too.
    /// - Returns: the downloads that stay.
    @discardableResult
    func drop(_ key: String, live: Bool = true, discarding: Bool = false) throws(PackError) -> [String] {
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

    /// A folder and one in it; nil where one of them does not exist.
    private static func open(
        _ path: String, _ name: String
    ) throws(PackError) -> (top: OpenFolder, folder: OpenFolder)? {
        do throws(PackError) {
            let top = try OpenFolder(path: path)
            return (top, try top.folder(name))
        } catch {
            if error.isAbsence { return nil }
            throw error
        }
    }

    /// Moves a whole folder aside; returns where it lies.
    private func setAside(_ name: String, of top: OpenFolder) throws(PackError) -> String {
        let aside = try top.makeFolder(Spool.asideName)
        let target = try Self.free(name, in: aside)
        try top.move(name, to: aside, as: target)
        try aside.sync()
        return aside.path + "/" + target
    }

    /// Moves one file aside; returns where it lies.
    private func setAside(
        _ file: OpenFolder.Entry, in open: OpenFolder, of name: String, _ top: OpenFolder
    ) throws(PackError) -> String {
        let aside = try top.makeFolder(Spool.asideName).makeFolder(name)
        let target = try Self.free(file.name, in: aside)
        try open.move(file.name, to: aside, as: target)
        try aside.sync()
        return aside.path + "/" + target
    }

    private static func free(_ name: String, in folder: OpenFolder) throws(PackError) -> String {
        for number in 0..<10_000 {
            let target = number == 0 ? name : "\(name).\(number)"
            if try folder.entry(target) == nil { return target }
        }
        throw PackError(.io, "too many files of one name were set aside", path: folder.path)
    }

    // MARK: Followed logs

    /// The logs that an interrupted run was following. One that cannot be read now is left alone by this run.
    func liveLeftovers() throws(PackError) -> Survey {
        var survey = Survey()
        let top: OpenFolder
        do throws(PackError) {
            top = try OpenFolder(path: liveRoot)
        } catch {
            if error.isAbsence { return survey }
            throw error
        }
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
            if (error as? PackError)?.isAbsence == true { return }
            unread[entry.name] = "\(error)"
            survey.notes.append("a followed log cannot be read now and waits: \(error) (\(liveRoot)/\(entry.name))")
        }
    }
}
