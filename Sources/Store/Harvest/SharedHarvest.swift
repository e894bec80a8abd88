import Catalog
import Clocks
import Harvest
import Ingest
import Model
import PackHome
import S3
import SalvageConfiguration

extension Store {
    /// How often one of the harvesters compares the bucket with the catalog, in milliseconds.
    private static let sweepEvery: Int64 = 3_600_000

    /// Adds what the harvesters of a shared store do together: sessions shared by leases, the sweep of the bucket, and the upkeep
    /// of its filters. Does nothing for a store in a folder.
    ///
    /// - Throws: `HarvestError` if this harvester's name cannot be kept; `CatalogError`; ``StoreError``.
    func share(_ parts: inout HarvestRunner.Parts, by current: CurrentConfiguration) throws {
        guard case .shared(let shared) = address, let bucket = try bucket() else { return }
        let id = try HarvesterIdentity.find(shared.harvester.id, folder: path)
        // Connections of their own: leases must not wait behind long commits, nor commits behind a sweep.
        parts.fleet = CatalogWork(
            try openCatalog(readOnly: false), shared.harvester, id: id, version: salvageVersion)
        let catalog = try openCatalog(readOnly: false)
        parts.jobs.append(
            SharedJob("sweep", every: Self.sweepEvery) { [self] holds in
                try withoutActuallyEscaping(holds) { holds in
                    try sweep(bucket, catalog, by: current.value, while: holds).words
                }
            })
        parts.jobs.append(Store(beside: self, readOnly: false).filterJob(maker: id))
    }

    private func sweep(
        _ bucket: StoreBucket, _ catalog: Catalog, by configuration: Configuration, while holds: @escaping () -> Bool
    ) throws -> SweepReport {
        let signer = CrashSigner(
            store: path, home: bucket.home, rules: configuration.signatures,
            allowMissing: configuration.confinement.allowMissing)
        let sweep = Sweep(
            catalog, bucket.home.original, delete: { Self.delete($0, from: bucket.client) },
            renew: { signer.renew(&$0) }, holds: holds)
        return try sweep.carryOut(now: WallClock.now())
    }

    /// Deletes objects; returns those that are still there, each with the reason.
    private static func delete(_ keys: [String], from client: S3Client) -> [(path: String, reason: String)] {
        do throws(S3Error) {
            return try client.delete(keys).map { ($0.key, $0.error.message) }
        } catch {
            return keys.map { ($0, error.message) }
        }
    }
}
