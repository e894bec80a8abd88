import Glibc
import Text

/// One complete backup, opened for reading.
struct BackupSource {
    let path: String
    let manifest: BackupManifest

    /// Opens the folder if it is a backup, else the newest backup in it.
    ///
    /// - Parameter begun: the backup that an interrupted restore was reading; opened instead of the newest if it is in
    ///   the folder.
    /// - Throws: ``StoreError`` when there is no complete backup, or its manifest cannot be read.
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
        // A backup that cannot be checked may be the newest: an older one must not pass for it.
        if let unknown = listing.unknown.last, unknown.name > listing.complete.last ?? "" { throw unknown.failure }
        if let name = listing.complete.last { return name }
        let isBegun = access(place.partial, F_OK) == 0
        throw StoreError(
            .backupMissing, "the folder contains no complete backup", path: place.path,
            hint: isBegun
                ? "one was interrupted; salvage backup resumes it" : "give the folder that was given to salvage backup")
    }

    /// The gaps found when the backup was made, one message each.
    var missing: [String] { manifest.gaps.map { "found when the backup was made: \($0.words)" } }

    /// Reads every file and returns one message for each that differs from what was written.
    func check(_ progress: (StoreProgress) -> Void) throws -> [String] {
        var complaints: [String] = []
        for (index, file) in manifest.files.enumerated() {
            progress(.reading(file: index + 1, of: manifest.files.count))
            do {
                let content = try FileCopy.digest("\(path)/\(file.path)", uncached: true)
                if let complaint = Self.complaint(file, content) { complaints.append(complaint) }
            } catch let trouble as FileCopy.Trouble {
                complaints.append(Self.complaint(file, trouble))
            }
        }
        return complaints
    }

    /// How a file's content differs from what was written; nil when it does not.
    static func complaint(_ file: BackupManifest.File, _ content: FileCopy.Content) -> String? {
        if content.sha256 == file.sha256 { return nil }
        return "\(file.path) is damaged in the backup: "
            + (content.size == file.size
                ? "its SHA-256 differs" : "it has \(content.size) of \(counted(file.size, "byte"))")
    }

    /// What is wrong with a file that cannot be read.
    static func complaint(_ file: BackupManifest.File, _ trouble: FileCopy.Trouble) -> String {
        trouble.isAbsent
            ? "\(file.path) is missing from the backup"
            : "\(file.path) cannot be read in the backup: \(String(cString: strerror(trouble.code)))"
    }
}
