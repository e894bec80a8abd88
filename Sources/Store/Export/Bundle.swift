import Foundation
import Glibc

/// Packs an exported folder into one archive, to attach to a ticket.
enum Bundle {
    /// Packs the folder into `FOLDER.tar.gz`, removes the folder and returns the archive's path.
    static func make(folder: String) throws -> String {
        let target = folder + ".tar.gz"
        guard access(target, F_OK) != 0 else {
            throw StoreError(
                .exists, "the bundle already exists", path: target, hint: "remove it or choose another --to")
        }
        let url = URL(fileURLWithPath: folder)
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/bin/tar")
        tar.arguments = [
            "--create", "--gzip", "--sparse", "--owner=0", "--group=0", "--file", target, "--directory",
            url.deletingLastPathComponent().path, "--", url.lastPathComponent,
        ]
        tar.standardInput = FileHandle.nullDevice
        try tar.run()
        tar.waitUntilExit()
        guard tar.terminationStatus == 0 else {
            throw StoreError(.bundleFailed, "tar could not write the bundle", path: target)
        }
        chmod(target, 0o600)
        try FileManager.default.removeItem(at: url)
        return target
    }
}
