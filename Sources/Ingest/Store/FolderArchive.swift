import Foundation
import Glibc

/// Writes a local folder as a tar archive, so that `salvage ingest FOLDER` takes the same path as a download.
///
/// The system's `tar` writes it: it follows no links and keeps holes. It never reads an archive from a container.
public enum FolderArchive {
    /// Writes the tree below `folder` to a new file at `target`. Paths in the archive start with the folder's name.
    ///
    /// - Returns: the messages of tar, one line each, about files it could not read; the rest is in the archive.
    /// - Throws: ``IngestError`` when the folder cannot be walked at all or the archive cannot be written.
    public static func write(folder: String, to target: String) throws(IngestError) -> [String] {
        guard let full = realpath(folder, nil) else {
            throw IngestError(.unreadable, "cannot read the folder: \(reason())", path: folder)
        }
        let path = String(cString: full)
        free(full)
        let name = path.split(separator: "/").last.map(String.init) ?? "."
        let parent = name == "." ? "/" : String(path.dropLast(name.utf8.count))
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/bin/tar")
        tar.arguments = [
            "--create", "--format=posix", "--sparse", "--ignore-failed-read", "--file", target, "--directory",
            parent.isEmpty ? "/" : parent, "--", name,
        ]
        tar.environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin"]
        let errors = Pipe()
        tar.standardError = errors
        tar.standardInput = FileHandle.nullDevice
        tar.standardOutput = FileHandle.nullDevice
        do { try tar.run() } catch {
            throw IngestError(.spawn, "cannot start tar to read a folder: \(error)", path: folder)
        }
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        tar.waitUntilExit()
        let lines = text.split(separator: "\n").map(String.init)
        guard tar.terminationReason == .exit, tar.terminationStatus < 2 else {
            let isFull = text.contains("No space left")
            throw IngestError(
                isFull ? .noSpace : .unreadable, "tar could not archive the folder: \(lines.last ?? "it was killed")",
                path: folder)
        }
        return lines
    }
}
