import Catalog
import Model
import Text

/// The bucket of a shared store, as its catalog records it. The first writer records what its configuration says, so that
/// others need nothing but the catalog's address.
enum BucketRecord {
    /// Compares the configuration with the record; records what only the configuration has.
    ///
    /// - Throws: `CatalogError` with `bucketDiffers` if both name something else: one of them is about another store.
    static func reconcile(
        _ address: SharedStoreAddress, _ recorded: SharedStoreFacts, with catalog: Catalog
    ) throws(CatalogError) {
        for (key, mine, theirs) in values(address, recorded) {
            guard let mine, let theirs, !mine.hasSameBytes(as: theirs) else { continue }
            throw CatalogError(
                code: .bucketDiffers,
                message: "the configuration has \(mine) as \(key) of the store, its catalog has \(theirs)",
                path: catalog.path,
                hint: "remove \(key) from the configuration; docs/fleet.md says how to change what the catalog records")
        }
        guard recorded.packs == nil, let packs = address.packs, !catalog.readOnly else { return }
        var facts = recorded
        facts.packs = packs
        facts.endpoint = address.bucket.endpoint
        facts.region = address.bucket.region
        facts.pathStyle = address.bucket.pathStyle
        try catalog.setSharedFacts(facts)
    }

    /// The address with what the catalog records and the configuration leaves open.
    static func settled(
        _ address: SharedStoreAddress, by catalog: Catalog
    ) throws(CatalogError) -> SharedStoreAddress {
        let recorded = try catalog.sharedFacts()
        var settled = address
        settled.packs = address.packs ?? recorded.packs
        settled.bucket.endpoint = address.bucket.endpoint ?? recorded.endpoint
        settled.bucket.region = address.bucket.region ?? recorded.region
        settled.bucket.pathStyle = address.bucket.pathStyle ?? recorded.pathStyle
        return settled
    }

    private static func values(
        _ address: SharedStoreAddress, _ recorded: SharedStoreFacts
    ) -> [(key: String, mine: String?, theirs: String?)] {
        func plain(_ address: String?) -> String? {
            address.map { text in
                var text = text
                while text.utf8.last == UInt8(ascii: "/") { text.removeLast() }
                return text
            }
        }
        return [
            ("packs", plain(address.packs), plain(recorded.packs)),
            ("s3.endpoint", plain(address.bucket.endpoint), plain(recorded.endpoint)),
            ("s3.region", address.bucket.region, recorded.region),
            ("s3.path_style", address.bucket.pathStyle.map { "\($0)" }, recorded.pathStyle.map { "\($0)" }),
        ]
    }
}

extension CatalogError.Code {
    /// The configuration names another bucket than the catalog.
    static let bucketDiffers = Self(rawValue: "bucket_differs")
}
