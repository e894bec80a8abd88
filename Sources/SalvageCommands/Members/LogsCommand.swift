import Catalog
import Glibc
import Live
import LogSearch
import Model
import Pack
import Store
import Terminal
import Text

/// `salvage logs`: the logs of one session, whole or in part.
struct Logs: Command {
    static var name: String { "logs" }
    static var abstract: String { "Print the logs of sessions." }
    static var discussion: String {
        """
        Prints the server's stdout and stderr if they were collected, else all logs; --path chooses members. \
        Several members are printed one after the other under their names, several sessions in one sequence by the \
        time of their lines. A crash's id stands for the lines around it. With --signature or another selection \
        instead of sessions, and for several sessions with --around crash, prints the lines before the latest crash \
        of each. For a running session, prints what \
        watch has followed so far (rules with follow: true); -f continues until the session ends, like docker \
        logs -f. Reads only the store; salvage api stream-logs ID --follow reads from the API.

          salvage logs ID --last 2m
          salvage logs ID --since start+5m --until start+6m -g 'Error|Warning'
          salvage logs ID --around last
          salvage logs ID OTHER -g 'Error|Kick'
          salvage logs --signature 'SIGSEGV*' --around crash --within 5s
          salvage logs ID -f -g Warning
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("session", "Sessions or crashes; a unique prefix of an id is enough.") { $0.sessions.append($1) }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        let follow: CommandFlag<Self> = .toggle(
            "follow", "f", "Keep printing new lines until the session ends."
        ) { $0.follow = true }
        return [follow] + LogLineFlags.flags.within(\.which) + GrepTimeFlags.flags.within(\.time)
            + LogSelectionFlags.flags.within(\.selection)
    }

    var sessions: [String] = []
    var follow = false
    var which = LogLineFlags()
    var time = GrepTimeFlags()
    var selection = LogSelectionFlags()
    var options = GlobalOptions()

    func validate() throws {
        if let context = which.context, context < 0 {
            throw Failure("bad_number", "-C must not be negative", status: .usage)
        }
        for (flag, value) in [("--lines", which.lines), ("--sessions", selection.sessions)] {
            if let value, value < 0 { throw Failure("bad_number", "\(flag) must not be negative", status: .usage) }
        }
        if sessions.isEmpty, !selection.isGiven {
            throw Failure.usage(
                "missing argument <session>", hint: "salvage logs ID, or salvage logs --signature GLOB --around crash")
        }
        if !sessions.isEmpty, selection.isGiven {
            throw Failure.usage(
                "sessions are given by their ids and by flags", hint: "leave out one of the two",
                code: "conflicting_flags")
        }
        if follow, sessions.count != 1 {
            throw Failure.usage("-f follows one session", hint: "salvage logs ID -f", code: "conflicting_flags")
        }
        let isBeforeCrashes = sessions.isEmpty || (sessions.count > 1 && which.around != nil)
        guard isBeforeCrashes else { return }
        if let around = which.around, around != "crash", around != "last" {
            throw Failure.usage("--around of several sessions is 'crash'", hint: "salvage logs \(around)")
        }
        if which.pattern != nil || !which.path.isEmpty {
            throw Failure.usage(
                "-g and --path do not select lines before crashes", hint: "salvage grep searches the logs of sessions",
                code: "conflicting_flags")
        }
    }

    func run() throws {
        let store = try StoreAccess.store(options)
        if sessions.isEmpty {
            return try printExcerpts(store, try selection.crashes(since: which.since, until: which.until))
        }
        let named = try sessions.map { try Self.named($0, in: store) }
        if named.count > 1 {
            guard which.around == nil else {
                return try printExcerpts(store, Selection(sessions: named.map(\.session.session)))
            }
            return try printMerged(store, named.map(\.session))
        }
        guard let (record, crash) = named.first else { return }
        let place = try (which.crash ?? crash).map { try store.place(ofCrash: $0, in: record) }
        let printer = try LogPrinter(which, time, options, place)
        if !follow { Paging.start(options) }
        switch try store.log(of: record) {
        case .packed(let pack): try print(pack, printer)
        case .followed where follow:
            try store.followLog(
                of: record,
                differs: { Failure($0).report(json: false, style: Style(choice: .auto, descriptor: STDERR_FILENO)) },
                { try printer.print($0, severalMembers: false) })
        case .followed(_, let logs): try print(logs, of: record, printer)
        }
        try printer.end(session: record.session)
    }

    /// The session with an id, or the crash with an id and its session.
    private static func named(_ name: String, in store: Store) throws -> (session: SessionRecord, crash: String?) {
        do {
            return (try store.session(named: name), nil)
        } catch let error as CatalogError where error.code == .unknownSession {
            guard let crash = try store.crashes(named: name).first else { throw error }
            switch crash {
            case .stored(let stored): return (try store.session(named: stored.row.session), stored.row.crash)
            case .followed(let record): return (try store.session(named: record.session ?? ""), record.crash)
            }
        }
    }

    private func printExcerpts(_ store: Store, _ crashes: Selection) throws {
        let limit = selection.sessions ?? (sessions.isEmpty ? LogSelectionFlags.usual : sessions.count)
        let span = try which.within.map { try GrepTimeFlags.span($0, flag: "--within") }
        let found = try store.excerpts(crashes, within: span, lines: which.lines, limit: limit)
        try ExcerptPrinter(options, lineNumbers: which.lineNumbers).print(found, limit: limit)
    }

    private func printMerged(_ store: Store, _ records: [SessionRecord]) throws {
        let printer = try LogPrinter(which, time, options, nil)
        let logs = store.logs(of: records, paths: which.path)
        try printer.printMerged { logs.next() }
        for problem in logs.problems {
            printer.note(problem.message + (problem.session.map { " (session \($0))" } ?? ""))
        }
        try printer.end(session: nil)
    }

    private func print(_ logs: [LiveSnapshot], of record: SessionRecord, _ printer: LogPrinter) throws {
        let source = LiveSource(logs, label: SourceLabel(record))
        if printer.needsBytes(source.members), let log = logs.last, let offset = printer.place?.offset {
            try printer.writeAround(offset, size: log.size) { try log.read(at: $0, into: $1) }
            return
        }
        _ = try printer.print(.live(source), severalMembers: logs.count > 1)
    }

    private func print(_ pack: SessionPack, _ printer: LogPrinter) throws {
        let record = pack.session
        if let damage = pack.artifactsDamage, pack.knowsArtifacts, which.path.isEmpty {
            printer.note(pack.artifactsUnreadable(damage, hint: "").message)
        }
        let members = try which.chosen(pack)
        if which.path.isEmpty, let output = pack.unsearchedOutput {
            printer.note(
                "the session's own output, \(Escape.path(output)), is stored as binary data; salvage cat prints it")
        }
        guard !members.isEmpty else {
            throw Failure(
                "no_logs", "the session has no log\(which.path.isEmpty ? "" : " that matches --path")",
                session: record.session, hint: "salvage files \(record.session)", status: .nothingFound)
        }
        let source = PackSource(
            pack.reader, label: SourceLabel(record), usesFilters: which.pattern != nil, members: members)
        if printer.needsBytes(source.members), let place = printer.place, let offset = place.offset,
            let (member, isInSeveral) = pack.member(of: place)
        {
            if isInSeveral {
                printer.note(
                    "\(Escape.path((place.member ?? "").utf8)) is a member of several artifacts; these lines are "
                        + "from the one in \(Escape.display(pack.artifact(of: pack.reader.members[member])))")
            }
            let content = try pack.reader.content(ofMember: member)
            try printer.writeAround(offset, size: pack.reader.members[member].size) {
                try content.read(at: $0, into: $1)
            }
            return
        }
        _ = try printer.print(.pack(source), severalMembers: members.count > 1)
    }
}
