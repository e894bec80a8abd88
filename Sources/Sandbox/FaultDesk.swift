import Synchronization
import Text

/// Keeps the faults that are set, and counts those that are used up.
final class FaultDesk: Sendable {
    /// The faults that apply to one request or one list entry.
    struct Verdict: Sendable {
        var faults: Faults
        /// When they were set through the admin interface; nil when they came with the session or the start.
        var setAt: Milliseconds?
        /// Whose `failures` they are, for counting.
        fileprivate var failuresOf: String
    }

    private struct Entry {
        var faults: Faults
        var setAt: Milliseconds?
    }

    private struct State {
        var common: Entry
        var sessions: ByteDictionary<Entry> = [:]
        /// Uses of the failures of one owner, by their position.
        var used: ByteDictionary<[Int: Int]> = [:]
        var generator: SeededGenerator
    }

    private let mix: FaultMix?
    private let state: Mutex<State>

    init(common: Faults, mix: FaultMix?) {
        self.mix = mix
        state = Mutex(
            State(common: Entry(faults: common), generator: SeededGenerator(seed: mix?.seed ?? 1)))
    }

    /// Sets the faults of one session, or of all for nil. Counting starts at zero.
    func set(_ faults: Faults, session: String?, at moment: Milliseconds?) {
        state.withLock { state in
            let entry = Entry(faults: faults, setAt: moment)
            state.used[Self.owner(session)] = nil
            if let session { state.sessions[session] = entry } else { state.common = entry }
        }
    }

    /// Whose uses are counted, such that no session's id is taken for all sessions or for the mix.
    private static func owner(_ session: String?) -> String { session.map { "session/" + $0 } ?? "*" }

    func clear(session: String?) {
        state.withLock { state in
            state.used[Self.owner(session)] = nil
            if let session { state.sessions[session] = nil } else { state.common = Entry(faults: Faults()) }
        }
    }

    /// Those of a session lie over those that the mix deals it, and these over those of all.
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

    /// Whether plain list entries are right for every session that has no faults of its own.
    var listsArePlain: Bool {
        guard mix == nil else { return false }
        return state.withLock { state in
            !state.common.faults.touchesLists && !state.sessions.values.contains { $0.faults.touchesLists }
        }
    }

    /// The failure that this request meets, which is counted.
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

    /// All that is set, for the admin interface.
    var listing: [(session: String, faults: Faults)] {
        state.withLock { state in
            [("*", state.common.faults)]
                + state.sessions.sortedByKey.map { ($0.key, $0.value.faults) }
        }
    }
}
