import Catalog
import Glibc
import Live
import LogSearch
import LogTime
import Model
import Printers
import Store
import Terminal
import Text

/// Prints the log lines that the flags of `logs` select, using the engine of `grep`.
final class LogPrinter {
    let place: CrashPlace?
    private let pattern: SearchPattern
    private let search: SearchOptions
    private let form: PrintOptions
    private let options: GlobalOptions
    private var printed: UInt64 = 0
    private var problems: [String] = []
    private var problemCount = 0
    private var isClosed = false
    /// The number of members without a known time format, if lines are selected by time.
    private var untimed = 0
    private var leftOut = 0

    init(_ which: LogLineFlags, _ time: GrepTimeFlags, _ options: GlobalOptions, _ place: CrashPlace?) throws {
        self.place = place
        self.options = options
        // Without a pattern the whole line matches, so that JSON has it as one submatch.
        var reading = PatternOptions([which.pattern ?? (options.json ? "^.*" : "")])
        reading.ignoreCase = which.ignoreCase
        reading.smartCase = try which.pattern != nil && !which.ignoreCase && StoreAccess.smartCase(options)
        pattern = try GrepRun.compile(reading)
        var search = SearchOptions()
        search.before = which.context ?? 0
        search.after = which.context ?? 0
        search.asText = true
        var selection = SelectionOptions()
        selection.since = which.since
        selection.until = which.until
        try time.apply(to: &search, selection)
        if let place {
            let span = try GrepTimeFlags.span(which.within ?? LogLineFlags.defaultWithin, flag: "--within")
            guard place.time != nil || place.offset != nil else {
                throw Failure(
                    "no_place", "neither the time of the crash nor its place in the log is known",
                    hint: "salvage logs SESSION, without --around, prints the whole log", status: .nothingFound)
            }
            if let window = place.window(within: span) { search.window = window }
        }
        self.search = search
        var form = PrintOptions()
        form.mode = options.json ? .json : .lines
        form.lineNumbers = which.lineNumbers
        form.escape = StandardStream.outputIsTerminal
        form.asciiOnly = Charset.locale == .ascii
        form.color = options.style.isEnabled && which.pattern != nil
        self.form = form
    }

    /// Whether the lines around a crash can only be found by byte offset, because the logs have no times.
    func needsBytes(_ members: [SearchMember]) -> Bool {
        guard let place, place.offset != nil else { return false }
        return place.time == nil || members.allSatisfy { $0.timeFormat == .none }
    }

    /// Prints the lines of several sessions in the order of their time, each with its session and path.
    func printMerged(_ next: @escaping () -> StoreSource?) throws {
        var (search, form) = (search, form)
        form.timeOrder = TimeOrder()
        form.colorsSessions = true
        form.showLocation = form.escape
        form.color = options.style.isEnabled
        search.mergesCopies = true
        try run(PrintedSearch(search, form), next)
    }

    /// Prints one source; returns false if the reader has closed the output.
    func print(_ first: StoreSource, severalMembers: Bool) throws -> Bool {
        var search = search
        var form = form
        form.showName = severalMembers
        form.heading = severalMembers
        if place != nil, first.members.contains(where: { $0.timeFormat != .none }) { search.strictTime = true }
        var source: StoreSource? = first
        let next: () -> StoreSource? = {
            defer { source = nil }
            return source
        }
        try run(PrintedSearch(search, form), next)
        return !isClosed
    }

    private func run(_ printed: PrintedSearch, _ next: @escaping () -> StoreSource?) throws {
        let (report, output) = try printed.run(
            pattern, into: DescriptorOutput(descriptor: STDOUT_FILENO), nextSource: next)
        if let failure = output.failure {
            throw Failure("output_failed", "could not write to standard output: \(String(cString: strerror(failure)))")
        }
        self.printed &+= report.lines
        // A followed log is printed piece by piece, and each piece counts the same member.
        untimed = max(untimed, report.membersWithoutTime)
        leftOut = max(leftOut, report.membersLeftOut)
        problems += report.problems
        problemCount += report.problemCount
        isClosed = isClosed || report.outputClosed
    }

    /// Prints the lines around a byte of a log; `read` as in `LogExcerpt`.
    func writeAround(
        _ offset: UInt64, size: UInt64, read: (UInt64, UnsafeMutableRawBufferPointer) throws -> Int
    ) throws {
        let lines = try LogExcerpt.lines(around: offset, size: size, read: read)
        let output = Output(options)
        for line in lines {
            if form.escape { output.text(Escape.display(line)) } else { output.sink.write(Array(line) + [0x0A]) }
        }
        printed &+= UInt64(lines.count)
        try output.finish()
    }

    /// Records a problem that `end` reports; the exit code is then 3.
    func note(_ problem: String) {
        problems.append(problem)
        problemCount += 1
    }

    /// Reports what could not be printed and ends the command with its exit code.
    func end(session: String?) throws {
        for problem in problems {
            Failure("not_read", problem, session: session).report(json: options.json, style: options.errorStyle)
        }
        if !options.quiet {
            UntimedNote.kept(untimed, sorted: !search.hasWindow)
            UntimedNote.leftOut(leftOut)
        }
        if problemCount > 0 { throw EndedWith(status: .partial) }
        if printed == 0, !isClosed { throw EndedWith(status: .nothingFound) }
    }
}
