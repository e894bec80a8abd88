public import Live
public import LogSearch
public import Model
import Pack
import Text

/// The logs of several sessions as the sources of a search, opened one after the other. Used by one thread at a time.
public final class SessionLogs {
    private let store: Store
    private let sessions: [SessionRecord]
    private let paths: [MemberGlob]
    private var position = 0
    /// Why logs could not be read.
    public private(set) var problems: [StoreError] = []
    /// How many sessions have a log that can be read, of those opened so far.
    public private(set) var opened = 0

    init(_ store: Store, _ sessions: [SessionRecord], _ paths: [String]) {
        self.store = store
        self.sessions = sessions
        self.paths = paths.map { MemberGlob(MemberPath($0)) }
    }

    /// The next log; nil at the end.
    public func next() -> StoreSource? {
        while position < sessions.count {
            let session = sessions[position]
            position += 1
            do {
                guard let source = try open(session) else { continue }
                opened += 1
                return source
            } catch {
                var error = StoreError(error)
                error.session = error.session ?? session.session
                problems.append(error)
            }
        }
        return nil
    }

    private func open(_ session: SessionRecord) throws -> StoreSource? {
        switch try store.log(of: session) {
        case .followed(_, let logs): return .live(LiveSource(logs, label: SourceLabel(session)))
        case .packed(let pack):
            var members = try pack.logMembers()
            if !paths.isEmpty {
                members = pack.reader.members.indices.filter { index in
                    pack.isText(index) && paths.contains { $0.matches(pack.reader.members[index].path) }
                }
            }
            guard !members.isEmpty else {
                throw StoreError(
                    .noLogs, "the session has no log\(paths.isEmpty ? "" : " with such a path")",
                    session: session.session, hint: "salvage files \(session.session)", kind: .notFound)
            }
            return .pack(
                PackSource(pack.reader, label: SourceLabel(session), usesFilters: false, members: members))
        }
    }
}

extension Store {
    /// The logs of sessions: of each the server's output if it was collected, else all its logs.
    ///
    /// - Parameter paths: globs; if there are any, all text members that match one, instead of the logs.
    public func logs(of sessions: [SessionRecord], paths: [String] = []) -> SessionLogs {
        SessionLogs(self, sessions, paths)
    }

    /// Passes the log lines of several sessions in the order of their time, as ``search(_:threads:isCancelled:_:)`` does.
    ///
    /// - Parameters:
    ///   - sessions: the sessions.
    ///   - request: which lines: by default all that are asked for, the first 1,000. Its `selection` and `sorting` have no
    ///     effect.
    /// - Throws: `LogSearchError` for a bad pattern. Logs that cannot be read are part of the outcome.
    public func mergedLines(
        of sessions: [SessionRecord], _ request: SearchRequest = SearchRequest(""), threads: SearchThreads? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }, _ take: @escaping @Sendable (SearchHit) -> Bool
    ) throws -> SearchOutcome {
        var request = request
        request.sorting = SearchSorting(.time, isReversed: request.sorting.isReversed)
        let logs = logs(of: sessions, paths: request.paths)
        request.paths = []
        let pattern = try SearchPattern(request.reading)
        let found = try Self.run(request, pattern, threads, isCancelled, { logs.next() }, take)
        return SearchOutcome(
            report: found.report,
            problems: found.report.problems
                + logs.problems.prefix(100).map { "\($0.session ?? ""): \($0.message)" },
            hasMore: found.hasMore)
    }
}
