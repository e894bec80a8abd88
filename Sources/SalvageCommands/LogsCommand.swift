import ArgumentParser
import Catalog
import Glibc
import LogSearch
import Pack
import Terminal

/// `salvage logs`: the logs of one session, whole or in part.
struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the logs of one session.",
        discussion: """
            Prints what the server wrote to stdout and stderr where that was collected, else every log; --path chooses \
            members. Several members are printed one after the other under their names.

              salvage logs ID --last 2m
              salvage logs ID --since start+5m --until start+6m -g 'Error|Warning'
            """)

    @Argument(help: "The session; a unique prefix of its id is enough.") var session: String
    @Option(
        name: [.customShort("g"), .customLong("grep")],
        help: ArgumentHelp("Only lines that match this pattern.", valueName: "pattern"))
    var pattern: String?
    @Flag(name: [.customShort("i"), .customLong("ignore-case")], help: "Match without regard to case.")
    var ignoreCase = false
    @Option(
        name: [.customShort("C", allowingJoined: true), .customLong("context")],
        help: ArgumentHelp("Print lines around each match.", valueName: "lines"))
    var around: Int?
    @Option(
        help: ArgumentHelp("Only members whose path matches this glob. May be repeated.", valueName: "glob"))
    var path: [String] = []
    @Option(help: ArgumentHelp("Not before: an instant, a span ago, or start+5m.", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Before: an instant, a span ago, or start+5m.", valueName: "time"))
    var until: String?
    @OptionGroup var time: GrepTimeFlags
    @OptionGroup var options: GlobalOptions

    func run() throws {
        if let around, around < 0 { throw Failure("bad_number", "-C must not be negative", status: .usage) }
        let pack = try SessionPack(session, catalog: try StoreAccess.catalogForReading(options))
        let members = chosen(pack)
        guard !members.isEmpty else {
            throw Failure(
                "no_logs", "the session has no log\(path.isEmpty ? "" : " that matches --path")",
                session: pack.session.session, hint: "salvage files \(pack.session.session)", status: .nothingFound)
        }
        var reading = PatternOptions([pattern ?? ""])
        reading.ignoreCase = ignoreCase
        let compiled = try GrepRun.compile(reading)
        let search = try searchOptions(severalMembers: members.count > 1)
        var source: PackSource? = PackSource(
            pack.reader, label: label(pack.session), usesFilters: pattern != nil, members: members)
        let engine = SearchEngine<PackSource>(pattern: compiled, options: search)
        let (report, output) = try engine.run(into: DescriptorOutput(descriptor: STDOUT_FILENO)) {
            defer { source = nil }
            return source
        }
        if let failure = output.failure {
            throw Failure("output_failed", "could not write to standard output: \(String(cString: strerror(failure)))")
        }
        for problem in report.problems {
            Failure("not_read", problem, session: pack.session.session).report(
                json: options.json, style: options.errorStyle)
        }
        if report.problemCount > 0 { throw EndedWith(status: .partial) }
        if report.lines == 0, !report.outputClosed { throw EndedWith(status: .nothingFound) }
    }

    /// The members of the `logs` artifact, else those that are logs; with globs, all text that matches.
    private func chosen(_ pack: SessionPack) -> [Int] {
        let members = pack.reader.members
        let globs = path.map { LogSearch.PathGlob($0) }
        if !globs.isEmpty {
            return members.indices.filter { index in
                members[index].kind.isText && globs.contains { $0.matches(members[index].path) }
            }
        }
        let streams = members.indices.filter { members[$0].kind.isText && pack.artifact(of: members[$0]) == "logs" }
        return streams.isEmpty ? members.indices.filter { members[$0].kind == .log } : streams
    }

    private func searchOptions(severalMembers: Bool) throws -> SearchOptions {
        var search = SearchOptions()
        search.mode = options.json ? .json : .lines
        search.lineNumbers = options.json
        search.showName = severalMembers
        search.heading = severalMembers
        search.before = around ?? 0
        search.after = around ?? 0
        search.asText = true
        search.escape = isatty(STDOUT_FILENO) == 1
        search.color = options.style.isEnabled && !options.json && pattern != nil
        var selection = SelectionOptions()
        selection.since = since
        selection.until = until
        try time.apply(to: &search, selection)
        return search
    }

    private func label(_ session: SessionRecord) -> SourceLabel {
        SourceLabel(
            session: session.session, image: session.image.isEmpty ? nil : session.image, tag: session.tag,
            location: session.location, start: session.created ?? 0, end: session.exited ?? session.firstSeenExited)
    }
}
