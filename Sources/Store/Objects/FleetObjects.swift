public import Catalog
public import JSON

extension Shapes {
    /// The harvesters of a shared store.
    public static let fleet = JSONShape<FleetStatus>(
        "Fleet",
        "The harvesters of a shared store and what they share. Ages are in milliseconds, by the database's clock.",
        [
            .objects("harvesters", fleetHarvester, "the harvesters of the last seven days") { $0.harvesters },
            .integer("pending", "sessions that wait to be claimed") { $0.pending },
            .integer("leased", "claimed sessions") { $0.leased },
            .integer("expired", "claimed sessions whose lease has ended") { $0.expired },
            .integer("often_left", "sessions that were left by a harvester at least three times") { $0.oftenLeft },
            .objects("jobs", fleetJob, "jobs that one harvester does at a time") { $0.jobs },
            .objects("segments", fleetLevel, "the segments of filters in the bucket, by level") { $0.levels },
            .integer("garbage", "objects that will be deleted") { $0.garbage },
            .unsigned("garbage_bytes", "their size, as far as it is known") { $0.garbageBytes },
            .integer("garbage_due", "how many of them may be deleted now") { $0.garbageDue },
        ])

    /// One of them.
    static let fleetHarvester = JSONShape<FleetStatus.Harvester>(
        "Harvester", "A machine that harvests into a shared store.",
        [
            .text("id", "its name") { $0.id },
            .optionalText("url", "where its page is") { $0.url },
            .optionalText("version", "its version of salvage") { $0.version },
            .integer("last_seen_ms", "how long ago it was alive") { Int(clamping: $0.lastSeen) },
            .integer("started_ms", "how long ago it started") { Int(clamping: $0.started) },
            .integer("leases", "how many sessions it has claimed") { $0.leases },
        ])

    /// A job.
    static let fleetJob = JSONShape<FleetStatus.Job>(
        "FleetJob", "A job that one harvester does at a time.",
        [
            .text("name", "its name") { $0.name },
            .optionalText("harvester", "the harvester that does it now") { $0.harvester },
            .optionalInteger("done_ms", "how long ago it was done") { $0.done.map { Int(clamping: $0) } },
        ])

    /// The segments of one level.
    static let fleetLevel = JSONShape<FleetStatus.Level>(
        "FilterLevel", "The segments of filters of one level.",
        [
            .integer("level", "0 is a segment of one batch; higher ones were compacted") { $0.level },
            .integer("segments", "segments") { $0.segments },
            .unsigned("bytes", "their size") { $0.bytes },
            .integer("oldest_ms", "how long ago the oldest was added; at level 0, how far compaction lags") {
                Int(clamping: $0.oldest)
            },
        ])
}
