import Catalog
import Model
import Pack
import Terminal

/// Ledger states, coloured by whether they need attention.
enum StateText {
    /// A session's state, and whether a pack of it was pruned: `harvested, pruned`.
    static func words(_ session: SessionRecord) -> String {
        session.state.rawValue + (session.pruned != nil ? ", pruned" : "")
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
}
