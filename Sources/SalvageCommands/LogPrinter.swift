import Catalog
import Glibc
import Live
import LogSearch
import LogTime
import Terminal

/// Prints the lines of logs that `logs` was asked for, through the engine of `grep`.
final class LogPrinter {
    let place: CrashPlace?
    private let pattern: SearchPattern
    private let search: SearchOptions
    private let options: GlobalOptions
    private var printed: UInt64 = 0
    private var problems: [String] = []
    private var problemCount = 0
    private var isClosed = false
    /// Members whose lines carry no time that can be read, where lines are chosen by time.
    private var untimed = 0
    private var leftOut = 0

    init(_ which: LogLineFlags, _ time: GrepTimeFlags, _ options: GlobalOptions, _ place: CrashPlace?) throws {
        self.place = place
        self.options = options
        // Without a pattern a line is one match, so that JSON has one submatch of it.
        var reading = PatternOptions([which.pattern ?? (options.json ? "^.*" : "")])
        reading.ignoreCase = which.ignoreCase
        reading.smartCase = try which.pattern != nil && !which.ignoreCase && StoreAccess.smartCase(options)
        pattern = try GrepRun.compile(reading)
        var search = SearchOptions()
        search.mode = options.json ? .json : .lines
        search.lineNumbers = options.json
        search.before = which.context ?? 0
        search.after = which.context ?? 0
        search.asText = true
        search.escape = isatty(STDOUT_FILENO) == 1
        search.color = options.style.isEnabled && !options.json && which.pattern != nil
        var selection = SelectionOptions()
        selection.since = which.since
        selection.until = which.until
        try time.apply(to: &search, selection)
        if let place {
            let span = try GrepTimeFlags.span(which.within, flag: "--within")
            guard place.time != nil || place.offset != nil else {
                throw Failure("no_place", "neither time nor line of the crash is known", status: .nothingFound)
            }
            if let time = place.time {
                // The time is a container's word, and may be any number.
                let (low, under) = time.subtractingReportingOverflow(span)
                let (high, over) = time.addingReportingOverflow(span)
                search.window = (under ? .min : low)...(over ? .max : max(low, high))
            }
        }
        self.search = search
    }

    /// Whether the lines around a crash can only be found by its place, because the logs carry no times.
    func needsBytes(_ members: [SearchMember]) -> Bool {
        guard let place, place.offset != nil else { return false }
        return place.time == nil || members.allSatisfy { $0.timeFormat == .none }
    }

    /// Prints one source; returns false when nobody reads any more.
    func print(_ first: StoreSource, severalMembers: Bool) throws -> Bool {
        var search = search
        search.showName = severalMembers
        search.heading = severalMembers
        if place != nil, first.members.contains(where: { $0.timeFormat != .none }) { search.strictTime = true }
        var source: StoreSource? = first
        let engine = SearchEngine<StoreSource>(pattern: pattern, options: search)
        let (report, output) = try engine.run(into: DescriptorOutput(descriptor: STDOUT_FILENO)) {
            defer { source = nil }
            return source
        }
        if let failure = output.failure {
            throw Failure("output_failed", "could not write to standard output: \(String(cString: strerror(failure)))")
        }
        printed &+= report.lines
        // A log that is followed is printed piece by piece.
        untimed = max(untimed, report.membersWithoutTime)
        leftOut = max(leftOut, report.membersLeftOut)
        problems += report.problems
        problemCount += report.problemCount
        isClosed = isClosed || report.outputClosed
        return !isClosed
    }

    /// Prints the lines around a place, 4 KiB to either side.
    func writeAround(
        _ offset: UInt64, size: UInt64, read: (UInt64, UnsafeMutableRawBufferPointer) throws -> Int
    ) throws {
        let start = offset > 4096 ? offset - 4096 : 0
        var bytes = [UInt8](repeating: 0, count: Int(clamping: min(8192, size > start ? size - start : 0)))
        var filled = 0
        while filled < bytes.count {
            let count = try bytes.withUnsafeMutableBytes { buffer in
                try read(start &+ UInt64(filled), UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            if count == 0 { break }
            filled += count
        }
        var lines = bytes[..<filled].split(separator: 0x0A, omittingEmptySubsequences: false)
        // Half a line at either end tells nothing.
        if start > 0, lines.count > 1 { lines.removeFirst() }
        if start &+ UInt64(filled) < size || lines.last?.isEmpty == true, lines.count > 1 { lines.removeLast() }
        let output = Output(options)
        for line in lines {
            if search.escape { output.text(Escape.display(line)) } else { output.sink.write(Array(line) + [0x0A]) }
        }
        printed &+= UInt64(lines.count)
        try output.finish()
    }

    /// Notes something to say at the end, for which the command does not end well.
    func note(_ problem: String) {
        problems.append(problem)
        problemCount += 1
    }

    /// Says what could not be printed, and ends the command with its exit code.
    func end(session: String) throws {
        for problem in problems {
            Failure("not_read", problem, session: session).report(json: options.json, style: options.errorStyle)
        }
        if !options.quiet {
            UntimedNote.kept(untimed)
            UntimedNote.leftOut(leftOut)
        }
        if problemCount > 0 { throw EndedWith(status: .partial) }
        if printed == 0, !isClosed { throw EndedWith(status: .nothingFound) }
    }
}
