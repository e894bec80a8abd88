import Calendar
import Catalog
import Files
import Glibc
import JSON
import Model

/// `journal/signatures.jsonl`: where signatures of removed crashes were seen, and the signatures that earlier ones became,
/// one JSON object per line.
///
/// No pack has these crashes any more. This file holds them, so that a catalog rebuilt from packs still knows that a
/// signature is not new. A shared catalog is not rebuilt from packs alone but restored from its backup, so it has no such
/// file.
enum RememberedFile {
    /// Its path in the store.
    static let file = "journal/signatures.jsonl"
    private static let largest = 1 << 28

    /// Writes all that a catalog remembers; the file is replaced as a whole.
    static func save(_ catalog: Catalog) throws {
        guard !catalog.isShared else { return }
        let remembered = try catalog.rememberedCrashes()
        guard !remembered.isEmpty else { return }
        var bytes: [UInt8] = []
        for sighting in remembered.sightings {
            var line = JSONLine()
            line.add("signature", sighting.signature)
            if sighting.isError { line.add("error", true) }
            line.add("tag", sighting.tag)
            line.add("first_seen", ISO8601.text(clamping: sighting.first))
            line.add("last_seen", ISO8601.text(clamping: sighting.last))
            line.add("began", ISO8601.text(clamping: sighting.began))
            bytes += line.utf8 + [0x0A]
        }
        for succession in remembered.successions {
            var line = JSONLine()
            line.add("signature", succession.signature)
            line.add("earlier", succession.earlier)
            bytes += line.utf8 + [0x0A]
        }
        let target = catalog.store + "/" + file
        try StoreFolder.make(catalog.store + "/journal")
        do throws(FileFailure) {
            try Replacement.write(bytes, to: target, temporary: "\(target).\(getpid()).tmp", syncsFolder: false)
        } catch {
            throw StoreError(
                .storeFailed, "cannot write where removed crashes were seen: \(error.reason)", path: target,
                hint: "the catalog has it; the next prune writes it again")
        }
    }

    /// Adds what the file has to a catalog; invalid lines are skipped.
    ///
    /// - Throws: ``StoreError`` when the file exists and cannot be read now.
    static func restore(_ catalog: Catalog) throws {
        guard !catalog.isShared else { return }
        let bytes: [UInt8]
        do throws(FileFailure) {
            let file = try OpenFile(catalog.store + "/" + Self.file, O_RDONLY | O_NONBLOCK)
            bytes = try file.rest(limit: largest)
        } catch {
            if error.isAbsence { return }
            throw StoreError(
                .unreadableNow, "where removed crashes were seen cannot be read now: \(error.reason)",
                path: error.path, hint: "nothing is lost; run the command again", kind: .tryAgain)
        }
        var remembered = RememberedCrashes()
        for line in bytes.split(separator: 0x0A) {
            guard let value = try? JSONValue(parsing: line), let signature = value["signature"]?.string else {
                continue
            }
            if let earlier = value["earlier"]?.string {
                remembered.successions.append(SignatureSuccession(earlier: earlier, signature: signature))
                continue
            }
            func time(_ name: String) -> Int64? { value[name]?.string.flatMap { ISO8601.milliseconds($0) } }
            guard let first = time("first_seen"), let last = time("last_seen"), let began = time("began") else {
                continue
            }
            remembered.sightings.append(
                SignatureSighting(
                    signature: signature, isError: value["error"]?.bool ?? false, tag: value["tag"]?.string,
                    first: first, last: last, began: began))
        }
        try catalog.add(remembered)
    }
}
