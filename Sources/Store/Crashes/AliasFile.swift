import Catalog
import Files
import Glibc
import JSON
import Model
import Terminal

/// `symbols/aliases.jsonl`: earlier signatures of crashes, one `{"crash":…,"signature":…}` per line.
///
/// A pack holds the signature that its record was first given, but none of the later ones. This file holds them, so
/// that a catalog rebuilt from packs still finds crashes by them. A shared catalog is restored from its backup, so it has no
/// such file.
enum AliasFile {
    private static func path(_ store: String) -> String { store + "/symbols/aliases.jsonl" }

    /// Writes all of a catalog's aliases; the file is replaced as a whole.
    static func save(_ catalog: Catalog) throws {
        guard !catalog.isShared else { return }
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
        do throws(FileFailure) {
            try Replacement.write(bytes, to: target, temporary: "\(target).\(getpid()).tmp", syncsFolder: false)
        } catch {
            throw StoreError(.storeFailed, "cannot write the earlier signatures: \(error.reason)", path: target)
        }
    }

    /// Adds the file's aliases to a catalog; invalid lines are skipped.
    ///
    /// - Throws: ``StoreError`` when the file exists and cannot be read now.
    static func restore(_ catalog: Catalog) throws {
        guard !catalog.isShared else { return }
        let bytes: [UInt8]
        do throws(FileFailure) {
            let file = try OpenFile(path(catalog.store), O_RDONLY | O_NONBLOCK)
            bytes = try file.rest(limit: 1 << 30)
        } catch {
            // Only a missing file holds no aliases: after any other error, the next save would drop those in the file.
            if error.isAbsence { return }
            throw StoreError(
                .unreadableNow, "the earlier signatures cannot be read now: \(error.reason)", path: error.path,
                hint: "nothing is lost; run the command again", kind: .tryAgain)
        }
        try catalog.add(
            aliases: bytes.split(separator: 0x0A).compactMap { line in
                guard let value = try? JSONValue(parsing: line), let crash = value["crash"]?.string,
                    let signature = value["signature"]?.string
                else { return nil }
                return CrashAlias(crash: crash, signature: signature)
            })
    }
}
