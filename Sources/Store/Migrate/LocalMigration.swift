import Files
import Glibc
import Text

/// Copies what a store keeps on its machine only: downloads that are not packed yet, quarantine, followed logs, and messages
/// that wait for delivery. The source must be locked: otherwise its harvest changes them meanwhile.
struct LocalMigration {
    /// The source's folder.
    let source: String
    /// The target's folder, or this machine's folder of a shared store.
    let target: String

    /// Returns the number of files that were copied. What cannot be copied is a gap.
    func copy(_ report: inout MigrationReport) throws {
        var tree = StoreTree(source, followsLinks: false)
        for folder in ["spool", "live", "notify"] {
            for file in tree.files(in: folder) where !Self.isTemporary(file.path) {
                do { if try copy(file) { report.localFiles += 1 } } catch let trouble as FileCopy.Trouble {
                    if trouble.isAbsent { continue }
                    guard trouble.side == .source else { throw trouble.failure }
                    report.gaps.append(.init(trouble.words, path: file.path))
                }
            }
        }
        report.gaps += tree.gaps.map { .init($0.words, path: $0.path) }
        do { try FileCopy.sync(target) } catch let trouble as FileCopy.Trouble { throw trouble.failure }
    }

    /// Packs that are being written, which nobody finishes.
    private static func isTemporary(_ path: String) -> Bool {
        path.hasPrefix("spool/.new/") || path.hasSuffix(".part~")
    }

    private func copy(_ file: StoreFile) throws -> Bool {
        let place = "\(target)/\(file.path)"
        var facts = stat()
        if lstat(place, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, UInt64(max(0, facts.st_size)) == file.size,
            try FileCopy.digest(place) == FileCopy.digest("\(source)/\(file.path)")
        {
            return false
        }
        try FileCopy.makeFolders(of: file.path, below: target)
        // The ledger knows a download by its size and time.
        let content = try FileCopy.copy("\(source)/\(file.path)", to: place, modified: file.modified)
        guard try FileCopy.digest(place) == content else {
            throw StoreError(.copyDiffers, "a copy differs from what was written", path: place)
        }
        return true
    }
}
