import HTTPTypes
import Text

@testable import Catalog
@testable import CrashAnalysis
@testable import LogSearch
@testable import Model
@testable import Pack
@testable import SalvageServer
@testable import Store

/// Every page, of values in which each text that comes from others is `text`.
struct PageSamples {
    let text: String
    /// Values that occur several times in one list must differ.
    private func text(_ number: Int) -> String { text + String(number) }

    let now: Int64 = 1_796_083_200_000
    let hour: Int64 = 3_600_000

    func view(_ path: String, query: [(String, String)] = [], roles: Set<ServerRole> = Set(ServerRole.allCases))
        -> PageView
    {
        PageView(
            link: PageLink(base: ""), now: now, path: path, query: QueryItems(pairs: query),
            identity: ServerIdentity(name: text, roles: roles), formToken: "0123456789abcdef", hasCookie: true)
    }

    var settings: ServerSettings {
        let now = now
        return ServerSettings(version: "1.2.3") { now }
    }

    /// The pages as HTML, by name.
    var html: [(name: String, html: String)] {
        pages.map { name, content, view in (name, content.html(view, settings)) }
    }

    private var source: SourceLinks { SourceLinks(template: "https://git.example/game/blob/{tag}/{file}#L{line}") }

    var pages: [(name: String, content: PageContent, view: PageView)] {
        let filters = ["since", "image", "tag", "location", "label", "signature", "text", "q"].map { ($0, text) }
        let views = (
            now: view("/"), crashes: view("/crashes", query: filters), builds: view("/builds"),
            diff: view("/builds/diff"), sessions: view("/sessions", query: filters + [("cursor", text)]),
            search: view("/search", query: filters), collection: view("/collection"), symbols: view("/symbols"),
            thing: view("/thing")
        )
        let failure = ServerFailure(.notFound, "session_not_found", text, hint: text)
        return [
            ("now", NowPage.content(nowFacts, views.now), views.now),
            ("crashes", CrashesPage.content(CrashesPage.Facts(signatures: overviews), views.crashes), views.crashes),
            ("signature", SignaturePage.content(signatureFacts, views.thing, source: source), views.thing),
            ("crash", CrashPage.content(crashFacts, views.thing, source: source), views.thing),
            ("builds", BuildsPage.content(BuildsPage.Facts(builds: builds), views.builds), views.builds),
            ("diff", BuildDiffPage.content(diffFacts, views.diff), views.diff),
            ("sessions", SessionsPage.content(sessionsFacts, views.sessions), views.sessions),
            ("session", SessionDetailPage.content(sessionFacts, views.thing), views.thing),
            ("search", SearchPage.content(searchFacts, views.search), views.search),
            ("collection", CollectionPage.content(collectionFacts, views.collection), views.collection),
            (
                "symbols", SymbolsPage.content(symbolsFacts, views.symbols),
                views.symbols
            ), ("failure", FailurePage.content(failure), views.thing),
            ("sign-in", FailurePage.signIn(failure, next: "/" + text), views.thing),
        ]
    }

    // MARK: Signatures

    var overviews: [SignatureOverview] {
        SignatureState.allCases.enumerated().map { overview($1, number: $0) }
    }

    func overview(_ state: SignatureState, number: Int) -> SignatureOverview {
        let day = Int(now / 86_400_000)
        let signature = text(number)
        var summary = SignatureSummary(signature: signature)
        (summary.count, summary.sessions) = (30 - number, 20 - number)
        (summary.firstSeen, summary.lastSeen) = (now - 200 * hour, now - hour)
        (summary.images, summary.tags, summary.locations) = ([text(0)], [text(0), text(1)], [text(0), text(1)])
        summary.perDay = [.init(day: day - 3, count: 5), .init(day: day, count: 12)]
        var standing = SignatureStanding()
        standing.owner = text
        standing.ticket = text
        standing.merged = [text]
        let decision = Decision(
            signature: signature, time: now - hour, author: text, action: .resolve(fixedIn: text), ticket: text,
            note: text)
        if state == .fixed || state == .returned { standing.resolution = decision }
        standing.history = [
            decision,
            Decision(signature: signature, time: now, author: text, action: .merge(into: text)),
            Decision(signature: signature, time: now, author: text, action: .assign(owner: text), note: text),
        ]
        return SignatureOverview(
            id: SignatureID.of(signature), selected: summary, share: 0.07, firstSeen: now - 300 * hour,
            lastSeen: now - hour, firstTag: text, lastTag: text, state: state, standing: standing)
    }

    private var nowFacts: NowPage.Facts {
        var pulse = StorePulse()
        pulse.running = 12
        pulse.pending = 3
        pulse.backlog = 5
        pulse.deadlines = [.init(session: text, time: now + hour / 4, image: text, tag: text)]
        pulse.flow.lostLastDay = 1
        pulse.flow.overdue = 1
        return NowPage.Facts(pulse: pulse, trouble: text, series: series, signatures: overviews, freeBytes: 1 << 30)
    }

    private var series: [SeriesPoint] {
        (0..<24).flatMap { place in
            (0..<4).map { build in
                SeriesPoint(
                    time: now / hour * hour - Int64(place) * hour, tag: text(build), sessions: 40 + place * build,
                    crashed: (place * build) % 7, crashes: (place * build) % 9)
            }
        }
    }

    private var signatureFacts: SignaturePage.Facts {
        SignaturePage.Facts(
            overview: overview(.returned, number: 1), rows: [row(0), row(1)], newest: record,
            labels: [(text, [text(0), text(1)])],
            excerpts: [
                .init(session: text, tag: text, lines: lines), .init(session: text(1), tag: text, problem: text),
            ], series: series)
    }

    private var lines: CrashLines {
        CrashLines(
            path: Array(text.utf8),
            lines: (1...5).map {
                .init(number: UInt64($0), bytes: Array(text.utf8) + [0xFF, 0x00], isReport: $0 == 4)
            },
            isEnd: false)
    }

    // MARK: Crashes

    private func row(_ number: Int) -> CrashRow {
        CrashRow(
            crash: text(number), identity: identity, time: now - hour, kind: text, signal: text, exception: text,
            thread: text, signature: text, signatureQuality: "symbol", stackHash: "ab", json: [])
    }

    private var identity: SessionIdentity {
        SessionIdentity(
            id: text, image: text, tag: text, location: text, host: text, labels: [text: text], created: now - 2 * hour)
    }

    var record: CrashRecord {
        var record = CrashRecord(kind: text)
        record.crash = text
        (record.session, record.image, record.tag, record.location) = (text, text, text, text)
        (record.signal, record.exception, record.address, record.access) = (text, text, Address(0), "read")
        (record.executable, record.commandLine, record.os, record.arch) = (text, text, text, text)
        (record.thread, record.threadName, record.threadCount) = (7, text, 2)
        (record.signature, record.message, record.member) = (text, text, text)
        var frame = CrashFrame(index: 0, trust: .scan)
        (frame.function, frame.file, frame.line, frame.module, frame.inlined) = (text, text, 12, text, true)
        var bare = CrashFrame(index: 1, trust: .cfi)
        (bare.module, bare.offset) = (text, Address(0x51))
        record.frames = [frame, bare]
        record.threads = [CrashThread(thread: 7), CrashThread(thread: 8, name: text, frames: [frame])]
        record.modules = [CrashModule(name: text, path: text, base: Address(0x1000), size: 4096)]
        record.notes = [text]
        return record
    }

    private var crashFacts: CrashPage.Facts {
        CrashPage.Facts(row: row(0), record: record, signatureID: "0123456789ab", aliases: [text])
    }

    // MARK: Builds

    private var builds: [BuildOverview] {
        (0..<3).map { number in
            BuildOverview(
                tag: text(number), images: [text], firstSeen: now - 100 * hour, lastSeen: now, sessions: 100,
                crashedSessions: 7 * number, crashes: 9 * number, newSignatures: number)
        }
    }

    private var diffFacts: BuildDiffPage.Facts {
        func build(_ numbers: [Int], crashes: Int) -> BuildComparison.Build {
            let signatures = numbers.map { number in
                let known = overview(.open, number: number).selected
                var summary = known
                summary.sessions = crashes
                return (summary.signature, summary)
            }
            return .init(sessions: 100, crashes: ByteDictionary(signatures) { first, _ in first })
        }
        return BuildDiffPage.Facts(
            before: text, after: text(1),
            comparison: BuildComparison(before: build([0, 1], crashes: 4), after: build([1, 2], crashes: 30)),
            crashed: (8, 60), ids: [:])
    }

    // MARK: Sessions

    var session: SessionRecord {
        var session = SessionRecord(identity, state: .partial)
        (session.exited, session.firstSeenExited, session.firstSeen) = (now - hour, now - hour + 1, now - 2 * hour)
        (session.deadline, session.reason, session.source) = (now + hour, text, text)
        (session.pack, session.packBytes, session.members, session.bytes, session.crashes) = ("p", 9, 1, 99, 2)
        return session
    }

    private var sessionsFacts: SessionsPage.Facts {
        SessionsPage.Facts(
            sessions: [session, SessionRecord(session: text(1), state: .running)], next: text,
            signatures: [text: (text, "0123456789ab")], series: series, range: (now - 47 * hour, now, .hour))
    }

    private var artifacts: [ArtifactRecord] {
        ArtifactState.allCases.enumerated().map { number, state in
            ArtifactRecord(
                session: text,
                entry: ArtifactEntry(
                    artifact: text(number), state: state, reason: text, status: 500, identifier: text, tries: 2,
                    lastTry: now, flags: [text]))
        }
    }

    private var sessionFacts: SessionDetailPage.Facts {
        let request = RequestRecord(
            session: text, at: now, artifact: text, endpoint: text, status: 404, identifier: text, outcome: text)
        let report = SessionReport(
            session: session, artifacts: artifacts, crashes: [StoredCrash(row(0))], signature: nil, isFollowed: false,
            followedCrashes: [record], followedProblem: nil, log: .none,
            exports: SessionExports(entries: [], problem: nil), now: now)
        let member = MemberRecord(
            ordinal: 0, artifact: text, path: Array(text.utf8) + [0xFF], kind: .log, mode: 0o644,
            mtime: now * 1_000_000, size: 99, stored: 9, sha256: [], linkTarget: nil, flags: [])
        return SessionDetailPage.Facts(
            report: report,
            explanation: SessionExplanation(
                session: session, artifacts: artifacts, requests: [request], requestsDropped: 3,
                exports: SessionExports(entries: [], problem: nil), now: now),
            errors: [row(1)],
            members: [member], lines: lines)
    }

    private var searchFacts: SearchPage.Facts {
        let bytes = Array(text.utf8)
        let line = PageSearch.Line(number: 7, bytes: bytes, matches: [0..<1], isSelected: true)
        func session(_ number: Int) -> PageSearch.Session {
            var label = SourceLabel(identity.withID(text(number)), end: now - Int64(number) * 5 * hour)
            label.identity.tag = text
            return PageSearch.Session(label: label, members: [.init(path: bytes, lines: [line])])
        }
        return SearchPage.Facts(
            sessions: [session(0), session(1)],
            merged: [session(0), session(1)].map { .init(label: $0.label, line: line) }, hits: 2, isFull: true,
            problem: (text, text), isAsked: true)
    }

    // MARK: Collection and symbols

    private var collectionFacts: CollectionPage.Facts {
        var pulse = StorePulse()
        pulse.deadlines = [.init(session: text, time: now - hour, image: text, tag: text)]
        return CollectionPage.Facts(
            groups: [
                ArtifactCoverage(image: text, artifact: text, states: [.absent: 9]),
                ArtifactCoverage(image: text, artifact: text(1), states: [.collected: 9, .lost: 1]),
            ], pulse: pulse, lost: [session], trouble: text)
    }

    private var symbolsFacts: SymbolsPage.Facts {
        SymbolsPage.Facts(
            entries: [.init(identity: text, module: text, crashes: 3, builds: [text])], unread: [text])
    }
}
