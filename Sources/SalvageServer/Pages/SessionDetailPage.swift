import Catalog
import Harvest
import Model
import Pack
import Store
import Terminal
import Text

/// One session: what happened to it?
enum SessionDetailPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        var report: SessionReport
        var explanation: SessionExplanation
        /// Errors that it survived, newest first.
        var errors: [CrashRow]
        var members: [MemberRecord]
        /// The log at its newest crash.
        var lines: CrashLines?
        /// Why there is no log.
        var problem: String?
    }

    /// Files that are listed.
    private static let mostFiles = 500
    /// Errors that are in the time line.
    private static let mostErrors = 20
    /// Log lines before and from the crash on.
    private static let lines = (before: 40, after: 30)

    /// Reads the facts.
    static func facts(_ store: Store, _ id: String, now: Int64) throws -> Facts {
        let report = try store.report(on: id, logLines: 40, now: now)
        let session = report.session
        var facts = Facts(
            report: report, explanation: try store.explanation(of: session.session, now: now),
            errors: session.pack == nil
                ? [] : try store.crashRows(Selection(sessions: [session.session], errors: true, limit: mostErrors)),
            members: session.pack == nil ? [] : try store.members(of: session, limit: mostFiles + 1))
        do {
            facts.lines = try store.lines(
                at: report.crashes.first?.current, in: session, before: lines.before, after: lines.after)
        } catch {
            facts.problem = StoreError(error).message
        }
        if facts.lines == nil, facts.problem == nil { followed(&facts) }
        return facts
    }

    /// The log of a session without a pack.
    private static func followed(_ facts: inout Facts) {
        switch facts.report.log {
        case .none: facts.problem = facts.report.session.pack == nil ? "No log is stored yet." : "No log is stored."
        case .unreadable(let error): facts.problem = error.message
        case .lines(let lines, let path):
            facts.lines = CrashLines(
                path: path, lines: lines.map { CrashLines.Line(number: nil, bytes: $0) }, isEnd: true)
        }
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let session = facts.report.session
        let id = session.session
        let segment = PathSegment.encode(id)
        var model: PageModel = [
            "session": .text(id), "state": .shown(session.isPruned ? "pruned" : session.state.rawValue),
            "sentence": .text(LedgerSentence.of(session, facts.report.artifacts, now: view.now)),
            "events": .list(SessionTimeLine.models(facts, view)), "facts": .list(self.facts(session)),
            "hasLedger": .flag(!facts.report.artifacts.isEmpty),
            "ledger": .list(facts.report.artifacts.map { ledgerRow($0, session, view) }),
            "hasFiles": .flag(!facts.members.isEmpty),
            "files": .list(facts.members.prefix(mostFiles).map { fileRow($0, segment, view) }),
            "filesCaption": .text(
                facts.members.count > mostFiles
                    ? "The first \(mostFiles) of \(PageWords.count(session.members))"
                    : "\(counted(facts.members.count, "file")), \(SizeText.binary(session.bytes))"),
            "bundle": .shown(view.link.api("/sessions/\(segment)/bundle")),
            "commands": .list(commands(session)),
        ]
        if let lines = facts.lines, !lines.lines.isEmpty {
            model["log"] = .one(
                PageLog.model(lines, anchored: true, label: "Log of \(id)").with([
                    "logTitle": .shown(lines.isEnd ? "The end of its log" : "The log at the crash"),
                    "logNote": .text(PageLog.note(lines)),
                    "logHref": .shown(view.link.api("/sessions/\(segment)/log")),
                ]))
        } else {
            model["logProblem"] = .one(["problemText": .text(facts.problem ?? "The log is empty.")])
        }
        if let requests = requests(facts.explanation) { model["requests"] = .one(requests) }
        return PageContent(template: "session", title: id, tab: .sessions, model: model)
    }

    private static func facts(_ session: SessionRecord) -> [PageModel] {
        var list = PageFacts()
        list.add("Image", session.image)
        list.add("Build", session.tag)
        list.add("Region", session.location)
        list.add("Host", session.host)
        list.add("Ran", SessionsPage.ran(session))
        for (name, value) in session.labels.sorted(by: { $0.key.precedesInBytes($1.key) }).prefix(50) {
            list.add("Label \(name)", value.isEmpty ? "(empty)" : value)
        }
        list.add("Crashes", String(session.crashes))
        list.add("Source", session.source)
        list.add("Stored", session.pack == nil ? nil : SizeText.binary(session.packBytes))
        return list.models
    }

    private static func ledgerRow(_ artifact: ArtifactRecord, _ session: SessionRecord, _ view: PageView) -> PageModel {
        [
            "artifact": .text(artifact.entry.artifact, most: 400),
            "artifactState": .shown(artifact.entry.state.rawValue),
            "artifactSentence": .text(LedgerSentence.of(artifact, deadline: session.deadline, now: view.now)),
        ]
    }

    private static func fileRow(_ member: MemberRecord, _ segment: String, _ view: PageView) -> PageModel {
        let kind = member.kind.rawValue
        var row: PageModel = [
            "path": .text(Escape.path(member.path), most: 600), "kind": .text(member.kind.name),
            "size": .text(kind <= MemberKind.binary.rawValue ? SizeText.binary(member.size) : "–"),
        ]
        if kind <= MemberKind.binary.rawValue || member.kind == .hardlink {
            row["download"] = .one(["href": .shown(view.link.api("/sessions/\(segment)/files/\(member.ordinal)"))])
        }
        if member.mtime > 0 { row["changed"] = PageWords.time(member.mtime / 1_000_000) }
        return row
    }

    private static func requests(_ explanation: SessionExplanation) -> PageModel? {
        guard !explanation.requests.isEmpty else { return nil }
        let shown = explanation.requests.suffix(200)
        let dropped = explanation.requestsDropped + explanation.requests.count - shown.count
        return [
            "requestsTitle": .text(
                counted(shown.count, "request") + (dropped > 0 ? ", \(dropped) earlier ones are not shown" : "")),
            "requestRows": .list(
                shown.map { request in
                    [
                        "time": PageWords.time(request.at), "endpoint": .text(request.endpoint, most: 60),
                        "artifact": .text(request.artifact ?? "–", most: 300),
                        "status": .text(request.status.map(String.init) ?? "–"),
                        "outcome": .text(
                            request.outcome + (request.identifier.map { ", identifier \($0)" } ?? ""), most: 400),
                    ]
                }),
        ]
    }

    private static func commands(_ session: SessionRecord) -> [PageModel] {
        let id = PageCommand.quoted(session.session)
        var commands = ["salvage show \(id)", "salvage logs \(id)"]
        if session.crashes > 0 { commands.insert("salvage crash \(id)", at: 1) }
        commands.append("salvage why \(id)")
        if session.pack != nil { commands.append("salvage export \(id) --bundle --to bundle") }
        return commands.map { ["command": .text($0)] }
    }
}
