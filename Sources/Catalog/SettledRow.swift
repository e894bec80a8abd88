import Pack

/// Tells the rows of sessions of which the pack says all: `verify` compares these with the pack, and `reindex` takes them
/// from it. A session that is looked at again, or was given up, may have other facts than its pack; so may one that came
/// from the API after a pack was made of it by hand.
enum SettledRow {
    /// Whether a row's source is a word that salvage writes.
    static func isKnown(source: String?) -> Bool { source == nil || source == "harvest" || source == "ingest" }

    /// Whether the pack with these facts says all of a session.
    ///
    /// - Parameters:
    ///   - state: the row's state; nil when it is a word that nobody wrote.
    ///   - source: the row's source.
    ///   - facts: what the pack says.
    static func isSettled(_ state: SessionState?, source: String?, _ facts: SessionFacts) -> Bool {
        let isOver = state.map { $0 == .harvested || $0 == .partial || $0 == .skipped } ?? true
        return isOver && (!isKnown(source: source) || source == facts.source)
    }
}
