import Catalog
import Files
import FoundationEssentials
import Glibc
import JSON
import Model
import Terminal

/// `symbols/aliases.jsonl`: earlier signatures of crashes, one `{"crash":…,"signature":…}` per line.
///
/// A pack holds the signature that its record was first given, but none of the later ones. This file holds them, so
/// that a catalog rebuilt from packs still finds crashes by them.
enum AliasFile {
    private static func path(_ store: String) -> String { store + "/symbols/aliases.jsonl" }

    /// Writes all of a catalog's aliases; the file is replaced as a whole.
    static func save(_ catalog: Catalog) throws {
        let aliases = try catalog.aliases()
        guard !aliases.isEmpty else { return }
        var bytes: [UInt8] = []
        for alias in aliases.sorted(by: { ($0.crash, $0.signature) < ($1.crash, $1.signature) }) {
            var line = JSONLine()
            line.add("crash", alias.crash)
            line.add("signature", alias.signature)
            bytes += line.utf8 + [0x0A]
        }
        let target = path(catalog.store)
        try StoreFolder.make(catalog.store + "/symbols")
        let temporary = "\(target).\(getpid()).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(target) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            written += count
        }
        let synced = fsync(descriptor) == 0
        close(descriptor)
        guard written == bytes.count, synced, rename(temporary, target) == 0 else {
            unlink(temporary)
            throw failure(target)
        }
    }

    /// Adds the file's aliases to a catalog; invalid lines are skipped.
    ///
    /// - Throws: ``StoreError`` when the file exists and cannot be read now.
    static func restore(_ catalog: Catalog) throws {
        let bytes: [UInt8]
        do throws(FileFailure) {
            let file = try OpenFile(path(catalog.store), O_RDONLY | O_NONBLOCK)
            bytes = try Descriptor.rest(file.descriptor, limit: 1 << 30, path: file.path)
        } catch {
            // Only a missing file holds no aliases: after any other error, the next save would drop those in the file.
            if error.isAbsence { return }
            throw Failure(
                "unreadable_now", "the earlier signatures cannot be read now: \(error.reason)", path: error.path,
                hint: "nothing is lost; run the command again", status: .tryAgain)
        }
        try catalog.add(
            aliases: bytes.split(separator: 0x0A).compactMap { line in
                guard let value = try? JSONValue(parsing: line), let crash = value["crash"]?.string,
                    let signature = value["signature"]?.string
                else { return nil }
                return CrashAlias(crash: crash, signature: signature)
            })
    }

    private static func unreadable(_ path: String) -> StoreError {
        StoreError(
            .unreadableNow, "the earlier signatures cannot be read now: \(String(cString: strerror(errno)))",
            path: path,
            hint: "nothing is lost; run the command again", kind: .tryAgain)
    }

    private static func failure(_ path: String) -> StoreError {
        StoreError(.storeFailed, "cannot write the earlier signatures: \(String(cString: strerror(errno)))", path: path)
    }
}
