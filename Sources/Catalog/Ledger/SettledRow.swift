import Model
import Pack

/// Decides whether a pack has all facts of its session: then `verify` compares the row with the pack, and `reindex`
/// restores the row from it. A session in progress or lost may have other facts than its pack; so may one that the API
/// reported after its pack was made by a manual ingest.
enum SettledRow {
    /// Whether a row's source is one that salvage writes.
    static func isKnown(source: String?) -> Bool { source == nil || source == "harvest" || source == "ingest" }

    /// Whether the pack with these facts has all facts of its session.
    ///
    /// - Parameters:
    ///   - state: the row's state; nil when it is unknown.
    ///   - source: the row's source.
    ///   - facts: the facts in the pack.
    static func isSettled(_ state: SessionState?, source: String?, _ facts: SessionMetadata) -> Bool {
        let isOver = state.map { $0 == .harvested || $0 == .partial || $0 == .skipped } ?? true
        return isOver && (!isKnown(source: source) || source == facts.source)
    }
}
