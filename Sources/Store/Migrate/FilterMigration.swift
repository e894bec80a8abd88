import BlockIndex
import Catalog
import Clocks
import Pack
import PackHome
import Text

/// Publishes the filters of packs that a migration puts into a shared store, in batches.
///
/// They come from the source's index or the source's pack, so that no pack is read from the bucket for them. What fails does
/// not fail the migration: searches read those packs until the upkeep has written their filters.
final class FilterMigration {
    private let source: any PackHome
    private let index: FilterIndex?
    private let publisher: FilterPublisher

    /// - Throws: ``StoreError`` or `CatalogError` if the target's bucket is not known.
    /// - Returns: nil if the target is in a folder.
    init?(from source: Store, to target: Store) throws {
        // A survey asks a target that may not be written.
        guard !target.isReadOnly, target.isShared else { return nil }
        guard let publisher = try target.filterPublisher(maker: try target.harvesterID()) else { return nil }
        self.publisher = publisher
        self.source = source.home
        index = source.isShared ? nil : FilterIndex(store: source.path)
    }

    /// Adds the packs of sessions that the target's catalog has by now, and writes what is due.
    ///
    /// - Parameters:
    ///   - sessions: with the packs in the target.
    ///   - known: what the target's catalog said before.
    ///   - originals: the sessions' packs in the source.
    func publish(
        _ sessions: [CopiedSession], _ known: ByteDictionary<CopiedSession>,
        _ originals: ByteDictionary<PackMigration.Original>
    ) {
        for session in sessions {
            guard let pack = session.pack, let original = originals[session.id],
                session.packBytes == original.bytes, known[session.id]?.pack?.hasSameBytes(as: pack) != true,
                let record = record(of: original, copiedTo: pack)
            else { continue }
            publisher.add(pack, record: record, now: WallClock.now())
            try? publisher.writeIfDue(now: WallClock.now())
        }
    }

    /// Writes what waits.
    func finish() { try? publisher.writeIfDue(now: WallClock.now(), isLast: true) }

    private func record(of original: PackMigration.Original, copiedTo pack: String) -> [UInt8]? {
        // Another size is a later generation under the same path, whose filters say nothing about the copy.
        guard let reader = try? source.reader(for: original.path), reader.fileSize == original.bytes else { return nil }
        return index?.placedRecord(of: original.path, copiedTo: pack, reader)
            ?? (try? FilterLog.placedRecord(of: pack, reader))
    }
}
