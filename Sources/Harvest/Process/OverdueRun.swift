import Catalog
import Dispatch

/// Notices a run that does not stop by itself: an operation that cannot be cancelled, such as a DNS lookup or a write
/// to a hung disk, must not keep a cron job beyond its time. Interrupted downloads stay in the spool.
public enum OverdueRun {
    /// How long a run takes to stop when nothing hangs, in milliseconds.
    private static let grace: Int64 = 3000

    /// Calls `end` unless the process has ended 3 s after the limit.
    ///
    /// - Parameters:
    ///   - limit: the greatest duration of the run from now, in milliseconds.
    ///   - store: the store's folder.
    ///   - end: reports the error, with `catalogNotWritten` or `overdue`, and ends the process. It runs on a thread of
    ///     its own.
    public static func watch(limit: Int64, store: String, end: @escaping @Sendable (HarvestError) -> Never) {
        let moment = DispatchTime.now() + .milliseconds(Int(clamping: limit) + Int(grace))
        // A queue of its own gets a thread even when all others hang.
        DispatchQueue(label: "salvage.deadline").asyncAfter(deadline: moment) {
            let isHeld = Catalog.isHeld(store: store)
            end(
                HarvestError(
                    isHeld ? .catalogNotWritten : .overdue,
                    isHeld
                        ? "the --max-runtime limit was reached, and the catalog is locked by another process"
                        : "the --max-runtime limit was reached, but an operation in progress could not be cancelled",
                    hint: "what was fetched is in the spool; the next run resumes from there"))
        }
    }
}
