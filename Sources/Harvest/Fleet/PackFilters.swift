import Catalog
import Ingest
import Synchronization
import Threads

/// Publishes the filters of packs in a bucket, in batches. Without them, searches ask the packs; the results are the same.
public protocol PackFilters: Sendable {
    /// Adds the record of a pack that the catalog has recorded. Does not block.
    func add(_ pack: String, record: [UInt8], now: Int64)

    /// Writes what waits, if it is due. Blocks.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - isLast: whether to write it in any case.
    /// - Throws: when it could not be written. It is dropped then: the upkeep filters those packs later.
    func writeIfDue(now: Int64, isLast: Bool) throws
}

/// How writing filters goes.
struct FilterWrites {
    /// Whether some are being written.
    var isWriting = false
    /// Whether the last ones could not be written.
    var haveFailed = false
}

extension HarvestRunner {
    /// The interval between looks for filters to write, in milliseconds.
    private static var filterTick: Int64 { 1000 }
    /// How long the end of a run waits for the last filters, in milliseconds.
    private static var filterPatience: Int64 { 10_000 }

    /// Hands over the filters of a pack that was committed.
    func publishFilters(of packed: PackedRequest) {
        guard let filters = parts.filters, let record = packed.outcome.filters else { return }
        filters.add(packed.outcome.contents.path, record: record, now: Self.now())
    }

    /// Writes filters from time to time, until the run is over.
    func keepFilters() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(Self.filterTick))
            guard !Task.isCancelled else { return }
            startFilters(isLast: false)
        }
    }

    /// Writes the filters of the last packs, after the last commit.
    ///
    /// - Parameter end: until when it may take, in milliseconds since 1970; nil without a limit of the run.
    func finishFilters(until end: Int64?) async {
        guard parts.filters != nil else { return }
        let limit = min(Self.now() &+ Self.filterPatience, end ?? .max)
        var isStarted = false
        while true {
            // One that is under way has not taken the last ones.
            if !isStarted { isStarted = startFilters(isLast: true) }
            if isStarted, !state.withLock({ $0.filters.isWriting }) { return }
            if Self.now() >= limit { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Starts a write in a task that a stop does not wait for; returns false if one is under way.
    @discardableResult
    private func startFilters(isLast: Bool) -> Bool {
        guard let filters = parts.filters else { return true }
        let isFree = state.withLock { state in
            defer { state.filters.isWriting = true }
            return !state.filters.isWriting
        }
        guard isFree else { return false }
        Task {
            do {
                try await disk.run { try filters.writeIfDue(now: Self.now(), isLast: isLast) }
                noteFilters(nil)
            } catch {
                noteFilters(error)
            }
        }
        return true
    }

    /// Ends a write. Reports that filters cannot be written, once until they can be written again.
    private func noteFilters(_ error: (any Error)?) {
        let isNews = state.withLock { state in
            let was = state.filters.haveFailed
            state.filters.isWriting = false
            state.filters.haveFailed = error != nil
            return error != nil && !was
        }
        guard isNews, let error else { return }
        parts.observer.event(
            .storeTrouble(
                "the filters of new packs could not be written; searches read these packs until the upkeep has written "
                    + "them: \(error)"))
    }
}
