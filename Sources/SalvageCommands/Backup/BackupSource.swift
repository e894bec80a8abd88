import Glibc
import Terminal

/// One whole backup, to be read.
struct BackupSource {
    let path: String
    let manifest: BackupManifest

    /// The backup in a folder: itself, or the newest of those it holds.
    ///
    /// - Parameter begun: the backup that an interrupted restore began with; taken instead of the newest, where the
    ///   folder holds it.
    init(_ folder: String, begun: String? = nil) throws {
        if try BackupFolder.isComplete(folder) {
            path = folder
        } else if let begun, StorePath.isWithin(begun, StorePath.absolute(folder)), try BackupFolder.isComplete(begun) {
            path = begun
        } else {
            path = folder + "/" + (try Self.newest(in: BackupFolder(path: folder)))
        }
        manifest = try BackupManifest.read(from: path)
    }

    private static func newest(in place: BackupFolder) throws -> String {
        let listing = try place.listing()
        // One that cannot be looked at may well be the newest: an older one must not pass for it.
        if let unknown = listing.unknown.last, unknown.name > listing.complete.last ?? "" { throw unknown.failure }
        if let name = listing.complete.last { return name }
        let isBegun = access(place.partial, F_OK) == 0
        throw Failure(
            "backup_missing", "the folder holds no backup that is whole", path: place.path,
            hint: isBegun
                ? "one was interrupted; salvage backup takes it up" : "name the folder that salvage backup was given")
    }

    /// What the backup lacked, or held damaged, when it was made, one line each.
    var missing: [String] { manifest.gaps.map { "when the backup was made, \($0.words)" } }

    /// Reads every file; what is not as it was written, one line each.
    func check(_ progress: Progress) throws -> [String] {
        var complaints: [String] = []
        for (index, file) in manifest.files.enumerated() {
            progress.update("reading \(index + 1) of \(manifest.files.count) files")
            do {
                let content = try FileCopy.digest("\(path)/\(file.path)", uncached: true)
                if let complaint = Self.complaint(file, content) { complaints.append(complaint) }
            } catch let trouble as FileCopy.Trouble {
                complaints.append(Self.complaint(file, trouble))
            }
        }
        return complaints
    }

    /// What is wrong with a file that reads like this.
    static func complaint(_ file: BackupManifest.File, _ content: FileCopy.Content) -> String? {
        if content.sha256 == file.sha256 { return nil }
        return "\(file.path) is damaged in the backup: "
            + (content.size == file.size ? "its SHA-256 differs" : "it has \(content.size) of \(file.size) bytes")
    }

    /// What is wrong with a file that cannot be read.
    static func complaint(_ file: BackupManifest.File, _ trouble: FileCopy.Trouble) -> String {
        trouble.isAbsent
            ? "\(file.path) is missing in the backup"
            : "\(file.path) cannot be read in the backup: \(String(cString: strerror(trouble.code)))"
    }
}
