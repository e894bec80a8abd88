internal import Synchronization

/// Threads that several searches share, so that many searches at once do not start one thread per core each.
///
/// Every search works on the thread that calls it; only the threads beside that one are taken from here, and a search that
/// gets none is slower, not blocked.
public final class SearchThreads: Sendable {
    private let free: Mutex<Int>

    /// Creates a number of threads to share, beside the callers' own.
    public init(_ count: Int) { free = Mutex(max(0, count)) }

    /// Takes up to `count` threads; returns how many.
    func take(atMost count: Int) -> Int {
        free.withLock { free in
            let taken = max(0, min(count, free))
            free -= taken
            return taken
        }
    }

    func giveBack(_ count: Int) { free.withLock { $0 += count } }
}
