import Bytes
import Synchronization
import Text

/// Holds the faults that are set, and counts how often failures were used.
final class FaultRegistry: Sendable {
    /// The faults that apply to one request or one list entry.
    struct Verdict: Sendable {
        var faults: Faults
        /// When they were set through the admin interface; nil when they were set at the start of the session or
        /// server.
        var setAt: Milliseconds?
        /// The owner of `failures`, for counting.
        fileprivate var failuresOf: String
    }

    private struct Entry {
        var faults: Faults
        var setAt: Milliseconds?
    }

    private struct State {
        var common: Entry
        var sessions: ByteDictionary<Entry> = [:]
        /// How often each failure of an owner was used, by its index.
        var used: ByteDictionary<[Int: Int]> = [:]
        var generator: SplitMix64
    }

    private let mix: FaultMix?
    private let state: Mutex<State>

    init(common: Faults, mix: FaultMix?) {
        self.mix = mix
        state = Mutex(
            State(common: Entry(faults: common), generator: SplitMix64(seed: mix?.seed ?? 1)))
    }

    /// Sets the faults of one session, or of all for nil, and resets their counts.
    func set(_ faults: Faults, session: String?, at moment: Milliseconds?) {
        state.withLock { state in
            let entry = Entry(faults: faults, setAt: moment)
            state.used[Self.owner(session)] = nil
            if let session { state.sessions[session] = entry } else { state.common = entry }
        }
    }

    /// The key for counting. The prefix keeps session ids apart from `*` and from the mix.
    private static func owner(_ session: String?) -> String { session.map { "session/" + $0 } ?? "*" }

    func clear(session: String?) {
        state.withLock { state in
            state.used[Self.owner(session)] = nil
            if let session { state.sessions[session] = nil } else { state.common = Entry(faults: Faults()) }
        }
    }

    /// The faults that apply to a session: its own override those of the mix, which override those of all.
    func verdict(_ session: String?) -> Verdict {
        let dealt = session.flatMap { mix?.faults(of: $0) }
        return state.withLock { state in
            var verdict = Verdict(faults: state.common.faults, setAt: state.common.setAt, failuresOf: "*")
            if let dealt {
                verdict.faults = dealt.over(verdict.faults)
                verdict.setAt = nil
                if dealt.failures != nil { verdict.failuresOf = "mix/" + (session ?? "") }
            }
            if let session, let own = state.sessions[session] {
                verdict.faults = own.faults.over(verdict.faults)
                verdict.setAt = own.setAt
                if own.faults.failures != nil { verdict.failuresOf = Self.owner(session) }
            }
            return verdict
        }
    }

    /// Whether no fault changes any list entry, so that plain entries can be sent.
    var listsArePlain: Bool {
        guard mix == nil else { return false }
        return state.withLock { state in
            !state.common.faults.touchesLists && !state.sessions.values.contains { $0.faults.touchesLists }
        }
    }

    /// Returns the failure for this request and counts it; nil for none.
    func take(_ operation: Operation, _ verdict: Verdict) -> Faults.Failure? {
        guard let failures = verdict.faults.failures else { return nil }
        return state.withLock { state in
            for (index, failure) in failures.enumerated() {
                if let only = failure.operation, only != operation.rawValue { continue }
                let used = state.used[verdict.failuresOf]?[index] ?? 0
                if let count = failure.count, used >= count { continue }
                if let probability = failure.probability, state.generator.unit() >= probability { continue }
                state.used[verdict.failuresOf, default: [:]][index] = used + 1
                return failure
            }
            return nil
        }
    }

    /// All faults that are set, for the admin interface.
    var listing: [(session: String, faults: Faults)] {
        state.withLock { state in
            [("*", state.common.faults)]
                + state.sessions.sortedByKey.map { ($0.key, $0.value.faults) }
        }
    }
}
