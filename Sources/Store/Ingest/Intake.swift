import Clocks
import Files
import Glibc
import Ingest
import Model
import Tar

/// The input of one ingest: folders are written to the spool as tar files, everything else is read in place.
final class Intake {
    /// The files and folders as they were named.
    private(set) var names: [String] = []
    /// The ledger rows for the pack, one for each name.
    private(set) var artifacts: [ArtifactEntry] = []
    /// What the child reads, one for each name.
    private(set) var files: [IngestFile] = []
    /// What could not be read of folders, one sentence each.
    private(set) var unread: [String] = []
    private let scratch: String
    private var made: [String] = []

    /// - Parameter scratch: the path prefix of temporary files on the store's disk. Their names end with the process id,
    ///   so that the next harvest removes what a killed process left.
    init(files: [String], scratch: String) throws {
        self.scratch = scratch
        do {
            for file in files { try take(file) }
        } catch {
            discard()
            throw error
        }
    }

    /// Takes archives that were made from a bundle.
    init(archives: [BundleArchive]) throws {
        scratch = ""
        for archive in archives {
            var facts = stat()
            guard stat(archive.path, &facts) == 0 else {
                throw StoreError(
                    .unreadable, "cannot read what was unpacked: \(FileFailure.reason(errno))", path: archive.path)
            }
            var entry = ArtifactEntry(artifact: archive.name, tries: 1)
            entry.firstTry = WallClock.now()
            entry.lastTry = entry.firstTry
            entry.bytes = UInt64(max(0, facts.st_size))
            let input = IngestJob.Input(artifact: artifacts.count, form: .archive, name: [], modified: 0)
            names.append(archive.name)
            artifacts.append(entry)
            files.append(IngestFile(path: archive.path, input: input))
        }
    }

    /// Removes what was written to the store's disk.
    func discard() { for path in made { unlink(path) } }

    private func take(_ file: String) throws {
        var info = stat()
        guard stat(file, &info) == 0 else {
            throw StoreError(.unreadable, "cannot read \(file): \(FileFailure.reason(errno))", path: file)
        }
        let index = artifacts.count
        let full = realpath(file, nil).map { pointer in
            defer { free(pointer) }
            return String(cString: pointer)
        }
        var entry = ArtifactEntry(artifact: full ?? file, tries: 1)
        entry.firstTry = WallClock.now()
        entry.lastTry = entry.firstTry
        let modified = Int64(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(info.st_mtim.tv_nsec)
        let last = Folders.split(file).name
        let base = last.isEmpty ? file : last
        var input = IngestJob.Input(artifact: index, form: .either, name: Array(base.utf8), modified: modified)
        var path = file
        switch info.st_mode & S_IFMT {
        case S_IFDIR:
            input.form = .archive
            path = try pack(folder: file)
        case S_IFREG:
            // A file named like an archive is read as one: an empty or destroyed archive must not pass for a good file.
            let name = base.lowercased()
            if [".tar.gz", ".tgz", ".tar"].contains(where: { name.hasSuffix($0) }) { input.form = .archive }
        default:
            throw StoreError(.unreadable, "cannot read \(file): it is neither a file nor a folder", path: file)
        }
        entry.bytes = UInt64(max(0, info.st_size))
        names.append(file)
        artifacts.append(entry)
        files.append(IngestFile(path: path, input: input))
    }

    private func pack(folder: String) throws -> String {
        let path = "\(scratch)\(made.count).\(getpid())"
        try StoreFolder.make(Folders.split(path).folder)
        unlink(path)
        made.append(path)
        var options = FolderArchive.Options()
        options.unreadable = .isReported
        do throws(FileFailure) {
            unread += try FolderArchive.write(folder: folder, to: path, options: options).map {
                "could not read all of \(folder): \($0)"
            }
        } catch {
            throw IngestError(
                error.isFull ? .noSpace : .unreadable, "cannot archive the folder: cannot \(error.description)",
                path: folder)
        }
        return path
    }
}
