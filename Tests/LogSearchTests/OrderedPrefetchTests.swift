import Foundation
import Synchronization
import Testing

@testable import LogSearch

/// Work ahead of its use keeps the order, stays within its window and can be ended at any time.
@Suite struct OrderedPrefetchTests {
    private final class Counter: Sendable {
        private let state = Mutex((started: 0, running: 0, most: 0))

        var started: Int { state.withLock { $0.started } }
        var most: Int { state.withLock { $0.most } }

        func begin() {
            state.withLock {
                $0.started += 1
                $0.running += 1
                $0.most = max($0.most, $0.running)
            }
        }

        func end() { state.withLock { $0.running -= 1 } }
    }

    private static func prefetch(
        _ count: Int, threads: Int, window: Int, _ counter: Counter = Counter(),
        delay: @escaping (Int) -> UInt32 = { _ in 0 }
    ) -> OrderedPrefetch<Int, Int> {
        var next = 0
        return OrderedPrefetch(
            threads: threads, window: window,
            supply: {
                guard next < count else { return nil }
                next += 1
                return next - 1
            },
            work: { item in
                counter.begin()
                usleep(delay(item))
                counter.end()
                return item * 10
            })
    }

    @Test(arguments: [1, 2, 16]) func resultsComeInOrder(threads: Int) {
        let prefetch = Self.prefetch(200, threads: threads, window: 20) { UInt32($0 * 7919 % 13) * 200 }
        var found: [Int] = []
        while let value = prefetch.take() { found.append(value) }
        #expect(found == (0..<200).map { $0 * 10 })
        #expect(prefetch.take() == nil)
        prefetch.stop()
    }

    @Test func noMoreIsTakenThanTheWindow() {
        let counter = Counter()
        let prefetch = Self.prefetch(1000, threads: 8, window: 12, counter)
        #expect(prefetch.take() == 0)
        // One was taken: twelve more may be worked on, however long this waits.
        while counter.started < 13 { usleep(1000) }
        usleep(50_000)
        #expect(counter.started == 13)
        #expect(counter.most <= 8)
        prefetch.stop()
        #expect(counter.started == 13)
    }

    @Test func itCanEndBeforeItBegins() {
        let counter = Counter()
        Self.prefetch(10, threads: 4, window: 4, counter).stop()
        #expect(counter.started == 0)
        let none = Self.prefetch(0, threads: 4, window: 4)
        #expect(none.take() == nil)
        none.stop()
    }
}
