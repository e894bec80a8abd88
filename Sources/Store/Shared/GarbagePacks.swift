import Catalog
import Model
import PackHome
import Text

/// Packs in the bucket of a shared store that no query finds any more, but that other machines may still be reading.
enum GarbagePacks {
    /// How many packs are looked up at once.
    private static let batch = 1000

    /// Which of the listed packs were replaced or pruned and wait to be deleted.
    static func found(among packs: [StoredPack], in catalog: Catalog) throws -> ByteSet {
        var rest = ByteSet(packs.map(\.path))
        try catalog.forEachSession { session in
            if let pack = session.pack { rest.remove(pack) }
        }
        let unnamed = packs.map(\.path).filter { rest.contains($0) }
        for start in stride(from: 0, to: unnamed.count, by: batch) {
            let end = min(start + batch, unnamed.count)
            for path in try catalog.unknownPacks(Array(unnamed[start..<end])) { rest.remove(path) }
        }
        return rest
    }
}
