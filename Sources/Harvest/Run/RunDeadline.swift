/// The times at which a run of limited length winds down, in milliseconds since 1970.
struct RunDeadline: Sendable, Equatable {
    /// No new request starts after this.
    let stop: Int64
    /// Requests in flight are cancelled; what arrived stays in the spool.
    let cancel: Int64
    /// The run ends. An unfinished ingest dies with the process; its downloads stay in the spool.
    let end: Int64

    /// Makes the deadline of a run that began at `began` and may last `limit` milliseconds. Reserves a quarter of that
    /// for winding down, but at most `drain` milliseconds.
    init(began: Int64, limit: Int64, drain: Int64) {
        let kept = min(drain, max(0, limit) / 4)
        end = began &+ max(0, limit)
        stop = end - kept
        cancel = end - kept / 2
    }
}
