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
        let forFilters = address.cacheBytes / 8
        home = CachedPackHome(
            S3PackHome(client, local: folder, parallel: address.bucket.parallel), local: folder,
            most: address.cacheBytes - forFilters)
        filters = CachedFilterObjects(BucketFilters(client), local: folder, most: forFilters)
    }
}
