import Foundation
import Glibc

/// Turns a folder at hand into a tar stream, so that `salvage ingest FOLDER` goes the way of every download.
///
/// The system's `tar` writes it: it walks a tree of our own choosing, follows nothing and keeps holes. (Nothing that a
/// container produced is ever given to it to read.)
public enum FolderArchive {
    /// Writes the tree below `folder` to a new file at `target`; paths in the archive begin with the folder's own name.
    ///
    /// - Returns: what could not be read, one line each; the rest is in the archive.
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
                isFull ? .noSpace : .unreadable, "tar could not take the folder: \(lines.last ?? "it was killed")",
                path: folder)
        }
        return lines
    }
}
