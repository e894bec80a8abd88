import Clocks
public import Model
import Synchronization

/// The counts of a daemon, for `/metrics`, `/healthz` and the service manager. The harvest writes them; any thread may
/// read them.
public final class WatchMetrics: Sendable {
    /// The counts at one moment.
    public struct Counts: Sendable {
        /// The latest progress.
        public var progress = HarvestProgress()
        /// Sessions done since the start, by state.
        public var settled: [SessionState: Int] = [:]
        /// Artifacts of these sessions that are lost, failed or incomplete.
        public var missingArtifacts = 0
        /// Lists that failed or were cut off.
        public var listFailures = 0
        /// Downloads quarantined because they crash or stall their reader.
        public var quarantined = 0
        /// Attempts to pack that failed on this machine.
        public var packingDeferred = 0
        /// Writes of the ledger that failed and were retried.
        public var storeTroubles = 0
        /// Reloads of the configuration.
        public var reloads = 0
        /// Why every request waits, such as a rejected token; nil while none does.
        public var pause: String?
        /// The paths of rules that exist in no session.
        public var absentPaths: [AbsentPath] = []
        /// Crashes of packed sessions by image, tag and location.
        public var crashes = CrashCounts()
        /// Signatures that were new.
        public var newSignatures = 0
        /// Signatures that returned.
        public var returnedSignatures = 0
        /// When the daemon started, in milliseconds since 1970.
        public var started: Int64 = WallClock.now()
        /// When the loop last reported progress, in milliseconds since 1970.
        public var alive: Int64 = WallClock.now()

        /// Creates the counts of a daemon that starts now.
        public init() {}
    }

    private let counts = Mutex(Counts())

    /// Creates the counts of a daemon that starts now.
    public init() {}

    /// The current counts.
    public var now: Counts { counts.withLock { $0 } }

    /// Takes the loop's progress, which also shows that the loop runs.
    public func show(_ progress: HarvestProgress) {
        counts.withLock { counts in
            counts.progress = progress
            counts.alive = WallClock.now()
        }
    }

    /// Counts a reload of the configuration.
    public func noteReload() { counts.withLock { $0.reloads += 1 } }

    /// Counts an event.
    public func note(_ event: HarvestEvent) {
        counts.withLock { counts in
            switch event {
            case .settled(_, let state, let outcomes):
                counts.settled[state, default: 0] += 1
                counts.missingArtifacts += outcomes.count { [.lost, .failed, .incomplete].contains($0.state) }
            case .listFailed: counts.listFailures += 1
            case .paused(let pause): counts.pause = pause.message
            case .resumed: counts.pause = nil
            case .storeTrouble: counts.storeTroubles += 1
            case .quarantined: counts.quarantined += 1
            case .packingDeferred: counts.packingDeferred += 1
            case .absentPaths(let paths, _): counts.absentPaths = paths
            case .crashed(let crash):
                counts.crashes.add(crash)
                if crash.novelty == .new { counts.newSignatures += 1 }
                if crash.novelty == .returned { counts.returnedSignatures += 1 }
            default: break
            }
        }
    }
}
