import JSON
import LogSearch
import Store

/// The flags that give patterns and say how they match.
struct GrepPatternFlags {
    /// How case is matched.
    enum LetterCase {
        case ignored, smart, exact
    }

    /// How much of a line a match must cover.
    enum Extent {
        case word, line
    }

    var expressions: [String] = []
    var files: [String] = []
    var fixed = false
    var letterCase: LetterCase?
    var extent: Extent?
    var crlf = false
    var multiline = false
    var dotAll = false

    static var flags: [CommandFlag<Self>] {
        [
            .texts(
                "regexp", "e", value: "pattern", "A pattern. May be repeated; a line matches if any of them does.",
                acceptsDash: true
            ) { $0.expressions.append($1) },
            .texts("file", "f", value: "file", "Read patterns from a file, one per line.", completion: .file) {
                $0.files.append($1)
            },
            .toggle("fixed-strings", "F", "Treat patterns as literal text.") { $0.fixed = true },
            .toggle("ignore-case", "i", "Ignore case.") { $0.letterCase = .ignored },
            .toggle(
                "smart-case", "S",
                "Ignore case unless a pattern has an uppercase letter (grep.smart_case in the config)."
            ) { $0.letterCase = .smart },
            .toggle("case-sensitive", "s", "Match case exactly (the default).") { $0.letterCase = .exact },
            .toggle("word-regexp", "w", "Match whole words.") { $0.extent = .word },
            .toggle("line-regexp", "x", "Match whole lines.") { $0.extent = .line },
            .toggle("crlf", nil, "Let $ match before a carriage return at the end of a line.") { $0.crlf = true },
            .toggle("multiline", "U", "Let a match span lines, of one member.") { $0.multiline = true },
            .toggle("multiline-dotall", nil, "With -U, let a dot match the end of a line.") { $0.dotAll = true },
        ]
    }

    /// Returns all patterns. Throws a usage error if there is none, or a positional one beside -e or -f.
    func patterns(first: String?) throws -> [String] {
        var all = expressions
        for file in files {
            let text = try TextFile.read(file, limit: 16 << 20, what: "the pattern file")
            var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            if lines.last?.isEmpty == true { lines.removeLast() }
            // Files written on Windows end lines with CRLF.
            all += lines.map { String(Substring($0.last == 0x0D ? $0.dropLast() : $0)) }
        }
        if expressions.isEmpty, files.isEmpty {
            guard let first else {
                throw Failure(
                    "no_pattern", "grep needs a pattern", hint: "salvage grep 'Fatal error', or -e, or -f FILE",
                    status: .usage)
            }
            return [first]
        }
        if let first {
            throw Failure(
                "unexpected_argument", "unexpected argument '\(first)': -e or -f gives the pattern already",
                hint: "choose sessions with --session", status: .usage)
        }
        return all
    }

    func options(_ patterns: [String], _ global: GlobalOptions) throws -> PatternOptions {
        var reading = PatternOptions(patterns)
        reading.fixed = fixed
        reading.ignoreCase = letterCase == .ignored
        // The configuration decides only if no flag does.
        reading.smartCase = try letterCase == .smart || letterCase == nil && StoreAccess.smartCase(global)
        reading.word = extent == .word
        reading.line = extent == .line
        reading.crlf = crlf
        reading.multiline = multiline
        reading.dotAll = dotAll
        return reading
    }
}
