package import BlockIndex
package import Model
package import PackHome
package import S3
import Terminal

/// The bucket of a shared store: the client, and the packs in it behind this machine's cache.
package struct StoreBucket: Sendable {
    /// Where it is: what the configuration says, completed by what the catalog records.
    package let address: SharedStoreAddress
    /// The client.
    package let client: S3Client
    /// The packs, with ranges kept in this machine's folder.
    package let home: any PackHome
    /// The filters, with ranges kept in this machine's folder.
    package let filters: any FilterObjects
    /// How many bytes the copies of each kind may take.
    let cache: CacheShares

    /// Prepares the connection; contacts nobody.
    ///
    /// - Parameter folder: this machine's folder.
    /// - Throws: ``StoreError`` if the address or the settings are not valid, or nothing says where the bucket is.
    init(_ address: SharedStoreAddress, folder: String) throws(StoreError) {
        guard let packs = address.packs else {
            throw StoreError(
                .bucketUnknown, "neither the configuration nor the catalog says where the packs are",
                hint: "set store: {packs: s3://bucket/prefix} in the configuration of a harvester, which records it")
        }
        self.address = address
        let environment = Environment.all
        var options = S3Options()
        options.environment = environment
        do throws(S3Error) {
            client = try S3Client(
                try S3Location(parsing: packs), address.bucket,
                credentials: CredentialsChain.standard(address.bucket, environment: environment), options: options)
        } catch {
            throw StoreError(error)
        }
        cache = CacheShares(of: address.cacheBytes)
        home = CachedPackHome(
            S3PackHome(client, local: folder, parallel: address.bucket.parallel), local: folder, most: cache.packs)
        filters = CachedFilterObjects(BucketFilters(client), local: folder, most: cache.filters)
    }
}

/// How the copies of one machine divide the bytes that they may take: a quarter for symbols, an eighth for filters, and the rest
/// for packs.
struct CacheShares: Sendable, Equatable {
    /// The most bytes of copies of symbols.
    let symbols: UInt64
    /// The most bytes of copies of filters.
    let filters: UInt64
    /// The most bytes of copies of packs.
    let packs: UInt64

    /// Divides a number of bytes.
    init(of all: UInt64) {
        symbols = all / 4
        filters = all / 8
        packs = all - symbols - filters
    }
}
