import Catalog
import Model
import Text

extension LedgerBatch {
    /// The sessions that the batch settles and that have lost something, each once.
    var settledLosses: [String] {
        let withLosses = ByteSet(artifacts.lazy.filter { $0.entry.state == .lost }.map(\.session))
        var found = ByteSet()
        return sessions.compactMap { update in
            switch update.state {
            case .running?, .pending?, nil: return nil
            case .lost?: return found.insert(update.session).inserted ? update.session : nil
            case .harvested?, .partial?, .skipped?:
                guard withLosses.contains(update.session) else { return nil }
                return found.insert(update.session).inserted ? update.session : nil
            }
        }
    }
}
