import Catalog
import Model
import Pack
import Terminal
import Text

/// Ledger states, coloured by whether they need attention.
enum StateText {
    /// A session's state: `pruned` if its pack was, `harvested, pruned` if only an earlier pack was.
    static func words(_ session: SessionRecord) -> String {
        if session.isPruned { return "pruned" }
        return session.state.rawValue + (session.pruned != nil ? ", pruned" : "")
    }

    /// What ended a session: `SIGSEGV Game::tick`, `exited`, the reason why nothing was collected; escaped.
    static func ending(_ session: SessionRecord) -> String {
        switch session.ending {
        case .crash:
            guard let crash = session.newestCrash else { return "crashed" }
            return Escape.display("\(crash.reason) \(crash.signature)")
        case .exit: return session.state == .harvested ? "exited" : reason(session) ?? "exited"
        case .unknown: return reason(session) ?? "-"
        case nil: return "-"
        }
    }

    private static func reason(_ session: SessionRecord) -> String? { session.reason.map { Escape.display($0) } }

    /// The colour of a session's state.
    static func dress(_ session: SessionRecord) -> @Sendable (Style, String) -> String {
        if session.isPruned { return { $0.dim($1) } }
        return dress(session.state)
    }

    static func dress(_ state: SessionState) -> @Sendable (Style, String) -> String {
        switch state {
        case .harvested: { $0.green($1) }
        case .running: { $0.cyan($1) }
        case .pending, .partial: { $0.yellow($1) }
        case .skipped: { $0.dim($1) }
        case .lost: { $0.red($1) }
        }
    }

    static func dress(_ state: ArtifactState) -> @Sendable (Style, String) -> String {
        switch state {
        case .collected: { $0.green($1) }
        case .pending, .incomplete: { $0.yellow($1) }
        case .absent, .skipped: { $0.dim($1) }
        case .failed, .lost: { $0.red($1) }
        }
    }

    static func dress(_ state: SignatureState) -> @Sendable (Style, String) -> String {
        switch state {
        case .new, .returned: { $0.red($1) }
        case .open: { $0.yellow($1) }
        case .fixed: { $0.green($1) }
        case .ignored: { $0.dim($1) }
        }
    }

    /// A share as percents with one digit after the point.
    static func percent(_ share: Double) -> String {
        guard share.isFinite else { return "-" }
        let tenths = Int((min(max(share, 0), 1) * 1000).rounded())
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
