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
    static var abstract: String { "Print the logs of one session." }
    static var discussion: String {
        """
        Prints the server's stdout and stderr if they were collected, else all logs; --path chooses members. \
        Several members are printed one after the other under their names. For a running session, prints what \
        watch has followed so far (rules with follow: true); -f continues until the session ends, like docker \
        logs -f. Reads only the store; salvage api stream-logs ID --follow reads from the API.

          salvage logs ID --last 2m
          salvage logs ID --since start+5m --until start+6m -g 'Error|Warning'
          salvage logs ID --around last
          salvage logs ID -f -g Warning
        """
    }
    static var arguments: [CommandArgument<Self>] { [.session { $0.session = $1 }] }
    static var flags: [CommandFlag<Self>] {
        let follow: CommandFlag<Self> = .toggle(
            "follow", "f", "Keep printing new lines until the session ends."
        ) { $0.follow = true }
        return [follow] + LogLineFlags.flags.within(\.which) + GrepTimeFlags.flags.within(\.time)
    }

    var session = ""
    var follow = false
    var which = LogLineFlags()
    var time = GrepTimeFlags()
    var options = GlobalOptions()

    func run() throws {
        if let context = which.context, context < 0 {
            throw Failure("bad_number", "-C must not be negative", status: .usage)
        }
        let store = try StoreAccess.store(options)
        let record = try store.session(named: session)
        let place = try which.around.map { try store.place(ofCrash: $0, in: record) }
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

/// The flags that select lines of the logs.
struct LogLineFlags {
    var pattern: String?
    var ignoreCase = false
    var context: Int?
    var path: [String] = []
    var around: String?
    var within = "30s"
    var since: String?
    var until: String?

    static var flags: [CommandFlag<Self>] {
        [
            .text("grep", "g", value: "pattern", "Only lines that match this pattern. In `salvage grep`, -g is --path.")
            { $0.pattern = $1 },
            .toggle("ignore-case", "i", "Ignore case.") { $0.ignoreCase = true },
            .number(
                "context", "C", value: "lines", "Lines to print before and after each match.", occurrence: .lastWins
            ) { $0.context = $1 },
            .texts("path", value: "glob", "Only members whose path matches this glob. May be repeated.") {
                $0.path.append($1)
            },
            .text("around", value: "crash", "Only lines around a crash: its id, a prefix of it, or 'last'.") {
                $0.around = $1
            },
            .text("within", value: "span", "The span before and after the crash (default: \(Self().within)).") {
                $0.within = $1
            },
            .text("since", value: "time", "Only lines since this time: an instant, a span ago, or start+5m.") {
                $0.since = $1
            },
            .text("until", value: "time", "Only lines before this time: an instant, a span ago, or start+5m.") {
                $0.until = $1
            },
        ]
    }

    /// Returns the text members of the `logs` artifact, else all logs; with globs, all text members that match.
    func chosen(_ pack: SessionPack) throws -> [Int] {
        let members = pack.reader.members
        let globs = path.map { Glob($0, separator: "/") }
        let paths = path.map { MemberPath(argument: $0) }
        if !globs.isEmpty {
            return members.indices.filter { index in
                pack.isText(index)
                    && (globs.contains { $0.matches(members[index].path) }
                        || paths.contains { $0.names(members[index].path) })
            }
        }
        return try pack.logMembers()
    }
}
