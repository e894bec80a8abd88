import Catalog
import Synchronization
import Text
import Threads

/// Upkeep of a shared store that one harvester at a time does, whichever takes it first: the sweep, the compaction of filters.
public struct SharedJob: Sendable {
    /// Its name among the jobs of the store.
    public var name: String
    /// How long after it was done it is due again, in milliseconds.
    public var every: Int64
    /// Does it, on a thread of its own. It must stop soon once `holds` returns false: another harvester may have begun it
    /// then. Returns a sentence for the log if there is something to say.
    public var run: @Sendable (_ holds: @Sendable () -> Bool) throws -> String?

    /// Makes a job.
    public init(
        _ name: String, every: Int64, run: @escaping @Sendable (_ holds: @Sendable () -> Bool) throws -> String?
    ) {
        self.name = name
        self.every = every
        self.run = run
    }
}

extension HarvestRunner {
    /// The interval between looks for due jobs, in milliseconds.
    private static var jobTick: Int64 { 10_000 }

    /// Does the upkeep that falls to this harvester, until the run is over.
    func keepJobs() async {
        await withDiscardingTaskGroup { group in
            for job in parts.jobs { group.addTask { await self.keep(job) } }
        }
    }

    private func keep(_ job: SharedJob) async {
        while !Task.isCancelled {
            // Harvesters that started together do not ask together.
            let pause = Self.jobTick + Int64.random(in: 0...(Self.jobTick / 2))
            try? await Task.sleep(for: .milliseconds(pause))
            guard !Task.isCancelled, let owner = state.withLock({ $0.fleet?.name.owner }) else { return }
            do {
                guard try await shared({ try $0.takeJob(job.name, by: owner, every: job.every) }) != nil else {
                    continue
                }
                let words = try await carryOut(job, owner)
                try await shared { try $0.endJob(job.name, by: owner, done: true) }
                if let words { parts.observer.event(.storeTrouble("\(job.name): \(words)")) }
            } catch {
                // It is due for the next one that asks.
                try? await shared { try $0.endJob(job.name, by: owner, done: false) }
                parts.observer.event(.storeTrouble("the job \"\(job.name)\" of the shared store failed: \(error)"))
            }
        }
    }

    /// Runs a job and keeps its lease meanwhile.
    private func carryOut(_ job: SharedJob, _ owner: String) async throws -> String? {
        let holds = Flag()
        let lease = parts.fleet?.lease ?? 120_000
        let renewal = Task {
            var confirmed = Self.monotonic()
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(min(lease / 4, 1000)))
                let asked = Self.monotonic()
                if asked - confirmed >= lease / 4,
                    let kept = try? await shared({ try $0.takeJob(job.name, by: owner, every: nil) != nil })
                {
                    if kept { confirmed = asked } else { holds.lower() }
                }
                if Self.monotonic() - confirmed >= lease - lease / 6 { holds.lower() }
            }
        }
        defer { renewal.cancel() }
        return try await disk.run { try job.run { holds.isUp && !self.state.withLock { $0.stopping } } }
    }

    /// A flag that is lowered once.
    private final class Flag: Sendable {
        private let value = Atomic(true)
        var isUp: Bool { value.load(ordering: .acquiring) }
        func lower() { value.store(false, ordering: .releasing) }
    }
}
