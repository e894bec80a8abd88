import Catalog
import Glibc
import Live
import LogSearch
import Model
import Pack
import Printers
import Terminal
import Text

/// One search over the packs of selected sessions, from the catalog to the exit code.
struct GrepRun {
    let store: String
    let pattern: SearchPattern
    let printed: PrintedSearch
    let options: GlobalOptions
    let explains: Bool

    /// Compiles patterns. Throws a `Failure` that gives the place of the mistake in a bad one.
    static func compile(_ reading: PatternOptions) throws -> SearchPattern {
        do {
            return try SearchPattern(reading)
        } catch {
            let place = error.offset.map { ", at byte \($0)" } ?? ""
            throw Failure(
                error.code.rawValue, error.message + place,
                hint: error.hint ?? "-F searches for literal text, in which brackets, dots and stars are not special")
        }
    }

    /// Searches and ends the command with ripgrep's exit code.
    func perform(_ selection: Selection) throws {
        let feed = try feed(selection)
        let live = try LiveFeed(store: store, selection) { try Catalog.open(store: store, readOnly: true) }
        let output = DescriptorOutput(descriptor: STDOUT_FILENO)
        let next: () -> StoreSource? = {
            feed.next().map { .pack($0) } ?? live.next().map { .live($0) }
        }
        let (report, written) = try printed.run(pattern, into: output, nextSource: next)
        if let failure = written.failure {
            throw Failure("output_failed", "could not write to standard output: \(String(cString: strerror(failure)))")
        }
        if explains { explain(report, feed) }
        try end(report, feed, live.problems)
    }

    private func feed(_ selection: Selection) throws -> PackFeed {
        let index = FilterIndex(store: store)
        let lazyCatalog = LazyCatalog(store: store)
        if selection == Selection() {
            // The catalog is queried while the filters are read.
            let survey = PackFeed.survey(index, pattern.query, options: search) { lazyCatalog.countPacks() }
            if let survey, lazyCatalog.isCovered(by: survey) {
                let feed = PackFeed(store: store, survey: survey, query: pattern.query, options: search)
                if needsLabels {
                    feed.label = { id in
                        (try? lazyCatalog.catalog().session(id)).flatMap { $0.map { SourceLabel($0) } }
                    }
                }
                return feed
            }
        } else if try lazyCatalog.selectsMany(selection) {
            let survey = PackFeed.survey(index, pattern.query, options: search)
            if let survey, lazyCatalog.isCovered(by: survey) {
                return try feed(selection, survey, lazyCatalog.catalog())
            }
        }
        var entries: [PackFeed.Entry] = []
        try lazyCatalog.catalog().forEachPack(selection) { pack in
            entries.append(PackFeed.Entry(pack: pack.pack, bytes: pack.packBytes, label: SourceLabel(pack)))
        }
        let feed = PackFeed(store: store, entries: entries, index: index, query: pattern.query, options: search)
        return feed
    }

    /// The selected packs among those that may match: of the others no row is read.
    private func feed(_ selection: Selection, _ survey: FilterIndex.Survey, _ catalog: Catalog) throws -> PackFeed {
        let places = ByteDictionary(
            zip(survey.candidates.map(\.pack), survey.candidates.indices), uniquingKeysWith: { first, _ in first })
        var labels = [SourceLabel?](repeating: nil, count: survey.candidates.count)
        var selected = 0
        var place: Int?
        func isCandidate(_ path: UnsafeRawBufferPointer) -> Bool {
            selected += 1
            place = places[String(decoding: path, as: UTF8.self)]
            return place != nil
        }
        try catalog.forEachPack(selection, where: isCandidate) { pack in
            if let place { labels[place] = SourceLabel(pack) }
        }
        return PackFeed(
            store: store, survey: survey, labels: labels, selected: selected, query: pattern.query, options: search)
    }

    private var search: SearchOptions { printed.search }

    /// Whether more of a session than its id is used. The catalog knows it better than the pack, whose facts are those
    /// of the time when it was written.
    private var needsLabels: Bool { printed.print.mode == .json || search.hasWindow }

    private func end(_ report: SearchReport, _ feed: PackFeed, _ unread: [String]) throws {
        for problem in report.problems + feed.problems + unread {
            Failure("not_searched", problem, hint: SearchReport.hint(for: problem)).report(
                json: options.json, style: options.errorStyle)
        }
        if report.problemCount > report.problems.count {
            let more = report.problemCount - report.problems.count
            Failure("not_searched", "and \(counted(more, "more problem")) of this kind").report(
                json: options.json, style: options.errorStyle)
        }
        if !options.quiet, printed.print.mode != .quiet, !search.strictTime {
            UntimedNote.kept(report.membersWithoutTime)
        }
        if report.outputClosed { return }
        var code = report.exitCode(quiet: printed.print.mode == .quiet)
        if !feed.problems.isEmpty || !unread.isEmpty, !(printed.print.mode == .quiet && code == 0) { code = 2 }
        if code != 0 { throw EndedWith(status: code == 1 ? .nothingFound : .failure) }
    }

    private func explain(_ report: SearchReport, _ feed: PackFeed) {
        let sink = BufferedOutput(descriptor: STDERR_FILENO)
        var text = "literals        \(Escape.display(pattern.query.text))\n"
        let chosen = search.usesPrefilter && pattern.isPrefiltered ? ", lines preselected by Hyperscan" : ""
        text += "matching        \(pattern.isLineSafe ? "whole blocks" : "line by line")\(chosen)\n"
        text += "packs           \(report.sources) opened, \(feed.ruledOut) ruled out by the filter index\n"
        text += "members         \(report.members), \(report.membersMatched) with selected lines\n"
        text += "blocks          \(report.blocks) in opened packs, \(report.prunedByTime) outside the time window\n"
        text += "filters         \(report.probed) checked, \(report.passed) passed\n"
        text += "decoded         \(counted(report.decoded, "block")), \(counted(report.decodedBytes, "byte")), "
        text += "\(report.hit) with selected lines\n"
        text += "selected        \(counted(report.lines, "line"))\n"
        sink.write(text)
        sink.flush()
    }
}

/// Opens the catalog on first use, which may be on a thread beside the one that reads the filters.
private final class LazyCatalog: @unchecked Sendable {
    // Unchecked: used by one thread at a time, the second after the first has ended.
    private let store: String
    private var opened: Catalog?
    private(set) var totals: (packs: Int, bytes: UInt64)?

    init(store: String) { self.store = store }

    /// Counts the packs. If the catalog cannot be read, this reports nothing: reading its rows does.
    func countPacks() { totals = Catalog.packTotals(store: store) }

    /// Whether the filter index has exactly the catalog's packs, so that it alone decides which of them may match.
    func isCovered(by survey: FilterIndex.Survey) -> Bool {
        totals.map { $0.packs == survey.packs && $0.bytes == survey.packBytes } ?? false
    }

    /// Whether a selection has so many of the packs that reading all filters, on all cores, is faster than looking up those
    /// of each pack.
    func selectsMany(_ selection: Selection) throws -> Bool {
        guard selection.sessions.isEmpty, selection.limit == nil else { return false }
        countPacks()
        guard let totals else { return false }
        var some = selection
        some.limit = max(1, totals.packs / 8)
        return try catalog().count(some) == some.limit
    }

    func catalog() throws -> Catalog {
        if let opened { return opened }
        let catalog = try Catalog.open(store: store, readOnly: true)
        opened = catalog
        return catalog
    }
}

extension SourceLabel {
    /// The label that is printed for the session of a pack.
    fileprivate init(_ pack: SelectedPack) {
        self.init(
            session: pack.session, image: pack.image.isEmpty ? nil : pack.image, tag: pack.tag,
            location: pack.location, start: pack.created ?? 0, end: pack.ended)
    }
}
