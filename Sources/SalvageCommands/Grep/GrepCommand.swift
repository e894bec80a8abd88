import Catalog
import LogSearch
import Model
import Printers
import Terminal

/// `salvage grep`: searches the logs of sessions, with ripgrep's flags.
struct Grep: Command {
    static var name: String { "grep" }
    static var abstract: String { "Search the logs of sessions." }
    static var discussion: String {
        """
        PATTERN is a PCRE2 regular expression; with -U a match may span lines. Prints session:path:line:text. Flags and \
        exit codes are ripgrep's: 0 found, 1 nothing found, 2 error. Members that are not text are skipped unless \
        --binary or --text is given. --since and --until select lines by their own time; start+5m is relative to \
        each session's start. A line without a time belongs to the line before. \
        Members of one session with the same bytes are searched once; -l, --heading and --json name all of them.

          salvage grep 'Fatal error' --tag '1.4*' --since 2d
          salvage grep -F 9b2e77aa-1c -C 3
          salvage grep -F 7656119 --per-session 1
          salvage grep 'Error|Kick' --since 10m --sort time
          salvage grep -i timeout --since start+5m --until start+10m
          salvage grep '' --session ID --last 2m --path 'Saved/Logs/**'
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [.optional("pattern", "The pattern; omit it with -e or -f.") { $0.pattern = $1 }]
    }
    static var flags: [CommandFlag<Self>] {
        GrepPatternFlags.flags.under("Pattern").within(\.reading)
            + GrepOutputFlags.flags.under("Output").within(\.printing)
            + GrepTimeFlags.flags.under("Time").within(\.time) + GrepScopeFlags.flags.within(\.scope)
            + SelectionOptions.flags.within(\.selection)
    }

    var pattern: String?
    var reading = GrepPatternFlags()
    var printing = GrepOutputFlags()
    var time = GrepTimeFlags()
    var scope = GrepScopeFlags()
    var selection = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let patterns = try reading.patterns(first: pattern)
        let compiled = try GrepRun.compile(try reading.options(patterns, options))
        var (search, print) = try printing.options(options)
        try time.apply(to: &search, selection)
        search.limit = selection.limit
        let run = GrepRun(
            store: try StoreAccess.store(options), pattern: compiled, printed: PrintedSearch(search, print),
            options: options,
            sorting: printing.sorting, scope: try scope.scope(), explains: printing.explain)
        try run.perform(try time.catalogSelection(selection))
    }
}
