/// When a run of limited length stops starting work, gives up what it waits for, and leaves. All in milliseconds since
/// 1970; nothing in here waits.
struct RunDeadline: Sendable, Equatable {
    /// From here on no request is begun.
    let stop: Int64
    /// From here on requests are cancelled; what arrived of them lies in the spool.
    let cancel: Int64
    /// Here the run ends. An ingest that is not done then dies with the process, and its downloads lie in the spool.
    let end: Int64

    /// The deadline of a run that began at a time and may last so long; of that, a quarter is kept for coming to an end,
    /// but no more than `drain`.
    init(began: Int64, limit: Int64, drain: Int64) {
        let kept = min(drain, max(0, limit) / 4)
        end = began &+ max(0, limit)
        stop = end - kept
        cancel = end - kept / 2
    }
}
