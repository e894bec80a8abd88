internal import Threads

/// Works on items ahead of their use, on threads of its own, and returns the results in the order of the items.
///
/// For work that waits for a network. There are as many threads as items wait, up to a bound; no item is taken that is
/// further ahead of the next result than the window, which bounds memory.
final class OrderedPrefetch<Item, Value>: @unchecked Sendable {
    // Unchecked: the supply is used under its lock, everything else under the other one.
    private let window: Int
    private let mostThreads: Int
    private let supplyLock = Lock()
    private var supply: () -> Item?
    private let work: (Item) -> Value
    private let lock = Lock()
    private let group = ThreadGroup()
    private var threads = 0
    private var running = 0
    private var taken = 0
    private var next = 0
    private var results: [Int: Value] = [:]
    private var isStopped = false
    private var isExhausted = false

    /// - Parameters:
    ///   - threads: most threads.
    ///   - window: most items that are worked on or finished and not used.
    ///   - supply: returns the next item, nil at the end. Called on the threads, by one at a time.
    ///   - work: works on an item. Called on the threads.
    init(threads: Int, window: Int, supply: @escaping () -> Item?, work: @escaping (Item) -> Value) {
        mostThreads = max(1, threads)
        self.window = max(1, window)
        self.supply = supply
        self.work = work
    }

    /// The next result; nil at the end. Waits for it.
    func take() -> Value? {
        lock.held {
            if threads == 0 { startThread() }
            while true {
                if let value = results.removeValue(forKey: next) {
                    next += 1
                    lock.wakeAll()
                    return value
                }
                // Without threads, which the system may refuse, the items are worked on here.
                if threads == 0 {
                    var value: Value?
                    lock.released { value = supplyLock.held { supply() }.map(work) }
                    return value
                }
                if isStopped || (isExhausted && next >= taken) || running == 0 { return nil }
                lock.wait()
            }
        }
    }

    /// Ends the work and waits for the threads. Results that were not taken are dropped.
    func stop() {
        lock.held {
            isStopped = true
            lock.wakeAll()
            while running > 0 { lock.wait() }
        }
        group.join()
    }

    /// Call it while the lock is held.
    private func startThread() {
        guard threads < mostThreads, !isStopped, !isExhausted else { return }
        running += 1
        if group.start({ self.run() }) { threads += 1 } else { running -= 1 }
    }

    private func run() {
        while let (number, item) = nextItem() {
            let value = work(item)
            lock.held {
                results[number] = value
                lock.wakeAll()
            }
        }
        lock.held {
            running -= 1
            lock.wakeAll()
        }
    }

    private func nextItem() -> (Int, Item)? {
        supplyLock.held {
            let mayTake = lock.held {
                while !isStopped, !isExhausted, taken - next >= window { lock.wait() }
                return !isStopped && !isExhausted
            }
            guard mayTake else { return nil }
            let item = supply()
            return lock.held {
                guard let item, !isStopped else {
                    isExhausted = true
                    lock.wakeAll()
                    return nil
                }
                defer { taken += 1 }
                // There may be more.
                startThread()
                return (taken, item)
            }
        }
    }
}
