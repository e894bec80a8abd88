import Catalog
import CrashAnalysis
import Live
import LogSearch
public import Model
import Terminal
import Text

/// The log lines before a crash.
public struct CrashExcerpt: Sendable {
    /// Whose crash it is: id, image, tag and location.
    public let session: SessionIdentity
    /// The crash's id.
    public let crash: String
    /// When it happened (ms since 1970); nil when unknown.
    public let time: Int64?
    /// Its signature; nil in a followed log.
    public let signature: String?
    /// The path of the member that the lines are from: raw, untrusted bytes. Empty without lines.
    public let path: [UInt8]
    /// The lines, in the order in which they were written.
    public let lines: [LogExcerptLine]
    /// What is to be known about them, a sentence, such as how they were found if the time of the crash is not known.
    public let note: String?
    /// Why there are no lines; nil if the log could be read.
    public let problem: StoreError?
}

/// The log lines before the crashes of several sessions.
public struct CrashExcerpts: Sendable {
    /// One for each session, the newest crash first.
    public let excerpts: [CrashExcerpt]
    /// How many more sessions have such a crash.
    public let more: Int
}

extension Store {
    /// Most lines of one excerpt.
    public static var mostExcerptLines: Int { LogWindow.most }

    /// The log lines before a crash.
    ///
    /// They end before the crash's own report if the log has it, else at the time of the crash, else with the log.
    ///
    /// - Parameters:
    ///   - span: only lines of this long before the crash, in milliseconds; nil for no bound.
    ///   - lines: only this many lines; nil for 20, or for at most 2,000 with a span.
    /// - Throws: ``StoreError`` if the session or its log is not there, `CatalogError`, `PackError` or `LiveFailure`.
    public func linesBeforeCrash(_ crash: ListedCrash, within span: Int64?, lines: Int?) throws -> CrashExcerpt {
        let facts = CrashFacts(crash)
        guard let session = try catalog().session(facts.session) else {
            throw StoreError(
                .sessionNotFound, "the crash's session is not in the store", session: facts.session, kind: .notFound)
        }
        let report = try reportPlace(facts, session)
        let log = try report?.log ?? self.lines(of: session, member: nil)
        let reading = ExcerptReading(
            log: log, time: facts.time, timeSource: facts.timeSource, span: span.map { max(0, $0) },
            limit: min(max(lines ?? (span == nil ? 20 : Self.mostExcerptLines), 0), Self.mostExcerptLines))
        let (found, note) = try reading.lines(before: report?.offset)
        return CrashExcerpt(
            session: session.identity, crash: facts.crash, time: facts.time, signature: facts.signature,
            path: log.member.path, lines: found, note: note, problem: nil)
    }

    /// The text that holds the crash's report, and where the report begins; nil if the crash was found in a dump, or the text
    /// is not among the session's members.
    private func reportPlace(
        _ facts: CrashFacts, _ session: SessionRecord
    ) throws -> (log: MemberLines, offset: UInt64)? {
        guard let member = facts.member, let offset = facts.offset else { return nil }
        do {
            return (try lines(of: session, member: Array(member.utf8)), offset)
        } catch let error as StoreError where error.code == .memberNotFound {
            return nil
        }
    }

    /// The log lines before the latest selected crash of each session, newest first.
    ///
    /// A log that cannot be read is an excerpt with a `problem`.
    ///
    /// - Parameters:
    ///   - selection: the crashes; its limit has no effect.
    ///   - span: as in ``linesBeforeCrash(_:within:lines:)``, and so are `lines`.
    ///   - limit: most sessions.
    /// - Throws: `CatalogError` or `LiveFailure`.
    public func excerpts(
        _ selection: Selection, within span: Int64?, lines: Int?, limit: Int = 10
    ) throws -> CrashExcerpts {
        var all = selection
        all.limit = nil
        var seen = ByteSet()
        var chosen: [ListedCrash] = []
        try forEachCrash(all) { crash in
            guard seen.insert(CrashFacts.session(of: crash)).inserted, chosen.count < limit else { return }
            chosen.append(crash)
        }
        var excerpts: [CrashExcerpt] = []
        for crash in chosen {
            do {
                excerpts.append(try linesBeforeCrash(crash, within: span, lines: lines))
            } catch {
                let facts = CrashFacts(crash)
                excerpts.append(
                    CrashExcerpt(
                        session: facts.identity, crash: facts.crash, time: facts.time, signature: facts.signature,
                        path: [], lines: [], note: nil, problem: StoreError(error)))
            }
        }
        return CrashExcerpts(excerpts: excerpts, more: max(0, seen.count - chosen.count))
    }
}

/// What an excerpt needs to know of a crash.
private struct CrashFacts {
    let crash: String
    let identity: SessionIdentity
    let time: Int64?
    let timeSource: String?
    let signature: String?
    /// The member that the crash was read from, and the report's offset if it is a text.
    let member: String?
    let offset: UInt64?

    var session: String { identity.id }

    init(_ crash: ListedCrash) {
        switch crash {
        case .stored(let stored):
            self.crash = stored.row.crash
            identity = stored.row.identity
            time = stored.row.time
            signature = stored.row.signature
            timeSource = stored.record?.timeSource
            member = stored.record?.member
            offset = stored.record?.memberOffset
        case .followed(let record):
            self.crash = record.crash
            identity = SessionIdentity(
                id: record.session ?? "", image: record.image ?? "", tag: record.tag, location: record.location,
                created: nil)
            time = record.time.flatMap { TimeText.parse($0, now: TimeText.now()) }
            timeSource = record.timeSource
            signature = record.signature.isEmpty ? nil : record.signature
            member = record.member
            offset = record.memberOffset
        }
    }

    static func session(of crash: ListedCrash) -> String {
        switch crash {
        case .stored(let stored): stored.row.session
        case .followed(let record): record.session ?? ""
        }
    }
}

/// Finds the lines of one excerpt.
private struct ExcerptReading {
    let log: MemberLines
    let time: Int64?
    let timeSource: String?
    let span: Int64?
    let limit: Int

    /// Lines out of order before which the search for older ones goes on: threads interleave, and clocks step.
    private static let patience = 200
    /// Lines that are shown if there are none within the span.
    private static let fallback = 20

    /// The lines before the byte at `report`, else before the crash's time, and what is to be known about them.
    func lines(before report: UInt64?) throws -> ([LogExcerptLine], note: String?) {
        if let report {
            let group = log.group(at: report)
            let line = try log.lines(inGroup: group).last { $0.offset <= report }
            let found = try collect(from: group, before: line?.offset ?? 0, since: low(line?.line.time ?? time))
            return (found, span != nil && !log.hasTimes ? "the log has no times: its lines before the report" : nil)
        }
        guard let time, log.hasTimes, let (group, end) = try place(of: latest(time)) else {
            let found = try collect(
                from: log.groups.count - 1, before: .max, since: nil, most: min(limit, Self.fallback))
            let why =
                time == nil
                ? "the time of the crash is not known"
                : log.hasTimes ? "all lines are later than the crash" : "the log has no times"
            return (found, "\(why): the last lines of the log")
        }
        let found = try collect(from: group, before: end, since: low(time))
        if found.isEmpty, limit > 0 {
            let last = try collect(from: group, before: end, since: nil, most: min(limit, Self.fallback))
            guard let before = last.last?.time else { return (last, nil) }
            return (
                last,
                "there are no lines within the span: the last ones, \(TimeText.span(time &- before)) before the crash"
            )
        }
        let source = timeSource == "exit" ? "the session's end" : "when the dump was written"
        return (found, isOfFile ? "the time of the crash is \(source)" : nil)
    }

    /// Whether the time is that of a file or of the session's end, not one that the crash itself reported.
    private var isOfFile: Bool { timeSource == "file" || timeSource == "exit" }

    /// The latest time that the crash's may stand for: an archive keeps the times of files in whole seconds, and the server's
    /// last lines are of that second.
    private func latest(_ time: Int64) -> Int64 {
        guard isOfFile, time % 1000 == 0 else { return time }
        return time.addingReportingOverflow(999).overflow ? time : time + 999
    }

    private func low(_ time: Int64?) -> Int64? {
        guard let span, let time else { return nil }
        let (low, overflow) = time.subtractingReportingOverflow(span)
        return overflow ? .min : low
    }

    /// The group of the last line at or before a time, and the offset of the line after it; nil if every line is later.
    private func place(of time: Int64) throws -> (group: Int, end: UInt64)? {
        for group in log.groups.indices.reversed() {
            let lowest = log.groups[group].compactMap { log.member.pieces[$0].times?.lowerBound }.min()
            if let lowest, lowest > time { continue }
            let lines = try log.lines(inGroup: group)
            guard let index = lines.lastIndex(where: { ($0.line.time ?? .max) <= time }) else { continue }
            return (group, index + 1 < lines.count ? lines[index + 1].offset : log.offset(ofGroup: group + 1))
        }
        return nil
    }

    /// The last lines before an offset, at most `limit`, none older than `since`.
    private func collect(
        from last: Int, before end: UInt64, since: Int64?, most: Int? = nil
    ) throws -> [LogExcerptLine] {
        let most = most ?? limit
        var found: [LogExcerptLine] = []
        var older = 0
        var group = last
        search: while group >= 0, most > 0 {
            for line in try log.lines(inGroup: group).reversed() where line.offset < end {
                if let since, let time = line.line.time, time < since {
                    older += 1
                    if older >= Self.patience { break search }
                    continue
                }
                older = 0
                found.append(line.line)
                if found.count >= most { break search }
            }
            group -= 1
        }
        return found.reversed()
    }
}
