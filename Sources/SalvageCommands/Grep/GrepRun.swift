import Catalog
import Glibc
import Live
import LogSearch
import Model
import Pack
import Printers
import Store
import Terminal
import Text

/// One search over the packs of selected sessions, from the catalog to the exit code.
struct GrepRun {
    let store: Store
    let pattern: SearchPattern
    let printed: PrintedSearch
    let options: GlobalOptions
    let sorting: SearchSorting
    let scope: SearchScope
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
        let sources = try store.sources(
            for: pattern.query, search, selection, sorting: sorting, scope: scope, needsLabels: needsLabels)
        let output = DescriptorOutput(descriptor: STDOUT_FILENO)
        let next: () -> StoreSource? = {
            sources.next()
        }
        let (report, written) = try printed.run(pattern, into: output, nextSource: next)
        if let failure = written.failure {
            throw Failure("output_failed", "could not write to standard output: \(String(cString: strerror(failure)))")
        }
        if explains { explain(report, sources) }
        try end(report, sources)
    }

    private var search: SearchOptions { printed.search }

    /// Whether more of a session than its id is used. The catalog knows it better than the pack, whose facts are those
    /// of the time when it was written.
    private var needsLabels: Bool { printed.print.mode == .json || search.hasWindow || search.findsTimes }

    private func end(_ report: SearchReport, _ sources: SearchSources) throws {
        for problem in report.problems + sources.problems {
            Failure("not_searched", problem, hint: SearchReport.hint(for: problem)).report(
                json: options.json, style: options.errorStyle)
        }
        if report.problemCount > report.problems.count {
            let more = report.problemCount - report.problems.count
            Failure("not_searched", "and \(counted(more, "more problem")) of this kind").report(
                json: options.json, style: options.errorStyle)
        }
        if !options.quiet, printed.print.mode != .quiet {
            if !search.strictTime { UntimedNote.kept(report.membersWithoutTime, sorted: !search.hasWindow) }
            SearchNote.inParts(report.membersInParts)
            SearchNote.copies(report.copies)
        }
        if report.outputClosed { return }
        var code = report.exitCode(quiet: printed.print.mode == .quiet)
        if !sources.problems.isEmpty, !(printed.print.mode == .quiet && code == 0) { code = 2 }
        if code != 0 { throw EndedWith(status: code == 1 ? .nothingFound : .failure) }
    }

    private func explain(_ report: SearchReport, _ sources: SearchSources) {
        let sink = BufferedOutput(descriptor: STDERR_FILENO)
        var text = "literals        \(Escape.display(pattern.query.text))\n"
        let chosen = search.usesPrefilter && pattern.isPrefiltered ? ", lines preselected by Hyperscan" : ""
        let way = pattern.spansLines ? "across lines" : pattern.isLineSafe ? "whole blocks" : "line by line"
        text += "matching        \(way)\(chosen)\n"
        if let read = sources.filterBytes {
            text += "packs           \(report.sources) opened; \(counted(read, "byte")) of filters read\n"
        } else {
            text += "packs           \(report.sources) opened, \(sources.ruledOut) ruled out by the filter index\n"
        }
        text += "members         \(report.members), \(report.membersMatched) with selected lines"
        text += report.copies > 0 ? ", and \(counted(report.copies, "copy", "copies")) not searched\n" : "\n"
        text += "blocks          \(report.blocks) in opened packs, \(report.prunedByTime) outside the time window\n"
        text += "filters         \(report.probed) checked, \(report.passed) passed\n"
        text += "decoded         \(counted(report.decoded, "block")), \(counted(report.decodedBytes, "byte")), "
        text += "\(report.hit) with selected lines\n"
        text += "selected        \(counted(report.lines, "line"))\n"
        sink.write(text)
        sink.flush()
    }
}
