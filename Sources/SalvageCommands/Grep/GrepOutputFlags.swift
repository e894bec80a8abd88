import Glibc
import LogSearch
import Printers
import Store
import Terminal

/// The flags that choose what is searched and printed.
struct GrepOutputFlags {
    /// What is counted.
    enum Counting {
        case lines, matches
    }

    /// Which names are printed.
    enum Naming {
        case matching, others
    }

    var invert = false
    var counting: Counting?
    var includeZero = false
    var naming: Naming?
    var onlyMatching = false
    var silent = false
    var after: Int?
    var before: Int?
    var around: Int?
    var maxCount: Int?
    var perSession: Int?
    var lineNumbers: Bool?
    var noFilename = false
    var heading = false
    var column = false
    var vimgrep = false
    var sorting = SearchSorting()
    var duplicates = false
    var text = false
    var binary = false
    var path: [String] = []
    var threads: Int?
    var explain = false
    var noFilters = false

    static var flags: [CommandFlag<Self>] { selectionFlags + formFlags + scopeFlags }

    private static var selectionFlags: [CommandFlag<Self>] {
        [
            .toggle("invert-match", "v", "Select lines that do not match.") { $0.invert = true },
            .toggle("count", "c", "Print the number of selected lines per member.") { $0.counting = .lines },
            .toggle("count-matches", nil, "Print the number of matches per member.") { $0.counting = .matches },
            .toggle("include-zero", nil, "With a count, also print members that have none.") { $0.includeZero = true },
            .toggle("files-with-matches", "l", "Print names of members that match.") { $0.naming = .matching },
            .toggle("files-without-match", "L", "Print names of members that do not match.") { $0.naming = .others },
            .toggle("only-matching", "o", "Print only the matching parts.") { $0.onlyMatching = true },
            .toggle(nil, "q", "Print nothing; only set the exit code.") { $0.silent = true },
        ]
    }

    private static var formFlags: [CommandFlag<Self>] {
        [
            .number("after-context", "A", value: "lines", "Lines to print after each match.", occurrence: .lastWins) {
                $0.after = $1
            },
            .number("before-context", "B", value: "lines", "Lines to print before each match.", occurrence: .lastWins) {
                $0.before = $1
            },
            .number(
                "context", "C", value: "lines", "Lines to print before and after each match.", occurrence: .lastWins
            ) { $0.around = $1 },
            .number(
                "max-count", "m", value: "lines", "Stop after this many selected lines per member.",
                occurrence: .lastWins
            ) { $0.maxCount = $1 },
            .number(
                "per-session", value: "lines", "Stop after this many selected lines per session, across its members.",
                occurrence: .lastWins
            ) { $0.perSession = $1 },
            .toggle("line-number", "n", "Print line numbers (the default).") { $0.lineNumbers = true },
            .toggle("no-line-number", "N", "Print no line numbers.") { $0.lineNumbers = false },
            .toggle("no-filename", "I", "Do not print session and path.") { $0.noFilename = true },
            .toggle("heading", nil, "Print session and path once, above their lines.") { $0.heading = true },
            .toggle("no-heading", nil, "Print session and path in each line (the default).") { $0.heading = false },
            .toggle("column", nil, "Print the column of the first match of a line, in bytes from 1.") {
                $0.column = true
            },
            .toggle("vimgrep", nil, "Print session:path:line:column:text, and a line once for each match.") {
                $0.vimgrep = true
            },
        ] + orderFlags
    }

    private static var orderFlags: [CommandFlag<Self>] {
        let help =
            "by path (session and path), time (lines of all sessions by their own time), modified (last change of the "
            + "member), created (of the session) or session; lines without a time stay with the line before."
        return [
            .choice("sort", value: "by", "Sort results " + help, occurrence: .lastWins) {
                $0.sorting = SearchSorting($1)
            },
            .choice("sortr", value: "by", "Like --sort, in reverse.", occurrence: .lastWins) {
                $0.sorting = SearchSorting($1, isReversed: true)
            },
            .toggle(
                "duplicates", nil,
                "Search members of one session that hold the same bytes one by one; else the first stands for all."
            ) { $0.duplicates = true },
        ]
    }

    private static var scopeFlags: [CommandFlag<Self>] {
        [
            .toggle("text", "a", "Search all members as if they were text.") { $0.text = true },
            .toggle("binary", nil, "Also search members that are not text.") { $0.binary = true },
            .texts(
                "path", "g", value: "glob",
                "Only members whose path matches this glob ('Saved/Logs/**', '*.log'). May be repeated. In `salvage "
                    + "logs`, -g is --grep."
            ) { $0.path.append($1) },
            .number(
                "threads", "j", value: "count", "Number of threads; 0 means one per core (the default).",
                occurrence: .lastWins
            ) { $0.threads = $1 },
            .toggle(
                "explain", nil, "Print on standard error which literals were used and how many blocks were read."
            ) { $0.explain = true },
            .toggle(
                "no-filters", nil, "Ignore the filter index and search every block (slower; for checking the index)."
            ) { $0.noFilters = true },
        ]
    }

    func options(_ global: GlobalOptions) throws -> (search: SearchOptions, print: PrintOptions) {
        let numbers = [
            ("-A", after), ("-B", before), ("-C", around), ("-m", maxCount), ("-j", threads),
            ("--per-session", perSession),
        ]
        for (flag, value) in numbers {
            if let value, value < 0 {
                throw Failure("bad_number", "\(flag) must not be negative", status: .usage)
            }
        }
        if global.json, let flag = summaryFlag {
            throw Failure(
                "conflicting_flags", "\(flag) has no JSON form", hint: "the messages of --json contain the counts",
                status: .usage)
        }
        var search = SearchOptions()
        search.invert = invert
        search.after = after ?? around ?? 0
        search.before = before ?? around ?? 0
        search.maxCount = maxCount
        search.perSession = perSession
        search.mergesCopies = !duplicates
        search.asText = text
        search.searchBinary = binary
        search.paths = path
        search.workers = threads ?? 0
        search.usesFilters = !noFilters
        var print = PrintOptions()
        print.mode = mode(json: global.json)
        // As in ripgrep, a column implies the line's number, unless -N is given.
        print.lineNumbers = lineNumbers ?? true
        print.showName = !noFilename
        print.heading = heading && !vimgrep
        print.column = column || vimgrep
        print.perMatch = vimgrep
        print.color = global.style.isEnabled
        print.escape = StandardStream.outputIsTerminal
        print.asciiOnly = Charset.locale == .ascii
        if sorting.order == .time {
            print.timeOrder = TimeOrder(isReversed: sorting.isReversed)
            print.colorsSessions = true
            // In a pipe, lines keep the form session:path:line:text.
            print.showLocation = print.escape
        }
        print.includeZero = includeZero
        return (search, print)
    }

    /// The flag that replaces lines by names or counts.
    private var summaryFlag: String? {
        if silent { return nil }
        return switch (counting, naming) {
        case (.matches, _): "--count-matches"
        case (.lines, _): "-c"
        case (nil, .matching): "-l"
        case (nil, .others): "-L"
        case (nil, nil): nil
        }
    }

    private func mode(json: Bool) -> PrintMode {
        if silent { return .quiet }
        // As in ripgrep, counts take precedence over names.
        switch (counting, naming) {
        case (.matches, _): return .countMatches
        case (.lines, _): return onlyMatching ? .countMatches : .count
        case (nil, .matching): return .filesWith
        case (nil, .others): return .filesWithout
        case (nil, nil): break
        }
        if json { return .json }
        return onlyMatching ? .onlyMatching : .lines
    }
}
