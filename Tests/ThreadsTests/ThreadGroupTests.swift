import Synchronization
import Testing
import Threads

@Suite struct ThreadGroupTests {
    private final class Count: Sendable {
        let ended = Atomic<Int>(0)
    }

    @Test func joinWaitsForEveryThreadAndTheGroupCanBeUsedAgain() {
        let count = Count()
        let group = ThreadGroup()
        for round in 1...3 {
            for _ in 0..<8 {
                let started = group.start { _ = count.ended.wrappingAdd(1, ordering: .relaxed) }
                #expect(started)
            }
            group.join()
            #expect(count.ended.load(ordering: .relaxed) == 8 * round)
        }
    }

    @Test func joiningNoThreadsReturns() { ThreadGroup().join() }
}
