import Catalog
import Live
public import LogSearch
public import Model
import Pack
import Text

/// Feeds a search with the followed logs of sessions without a pack, in the order of session ids.
final class FollowedLogFeed {
    private var entries: [(folder: String, label: SourceLabel)]
    private var position = 0
    /// One message for each log that could not be read.
    private(set) var problems: [String] = []

    /// Finds the logs of the selected sessions.
    ///
    /// The catalog is opened only if the store has followed logs. `since` excludes no running session: its lines may be
    /// newer than its start.
    init(_ store: Store, _ selection: Selection, _ shard: SessionShard? = nil) throws {
        let followed = try LiveStore.sessions(store.path)
        entries = []
        // Crashes in followed logs have no signature yet.
        guard !followed.isEmpty, !selection.selectsBySignature else { return }
        let folders = ByteDictionary(
            followed.map { ($0.facts.session, $0.folder) }, uniquingKeysWith: { first, _ in first })
        var running = selection
        running.since = nil
        running.states = [.running, .pending]
        try store.catalog().forEachSession(running) { session in
            guard session.pack == nil, shard?.contains(session.session) ?? true, let folder = folders[session.session]
            else { return }
            entries.append((folder, SourceLabel(session)))
        }
        entries.sort { $0.label.session.precedesInBytes($1.label.session) }
    }

    /// The next log that can be read; nil at the end.
    func next() -> LiveSource? {
        while position < entries.count {
            let entry = entries[position]
            position += 1
            do {
                return LiveSource(try LiveSnapshot.all(folder: entry.folder), label: entry.label)
            } catch  where error.isAbsence {
                // Harvested in the meantime: the next search finds it in its pack.
                continue
            } catch {
                problems.append("\(entry.label.session): the followed log cannot be read: \(error)")
            }
        }
        return nil
    }
}

extension SourceLabel {
    /// The label of a session's lines in the results of a search.
    public init(_ session: SessionRecord) {
        self.init(session.identity, end: session.exited ?? session.firstSeenExited)
    }
}
