import ArgumentParser

// Mutually exclusive flags of `grep`. The last one given wins, as in ripgrep.

/// How case is matched.
enum LetterCase: EnumerableFlag {
    case ignored
    case smart
    case exact

    static func name(for value: Self) -> NameSpecification {
        switch value {
        case .ignored: [.customShort("i"), .customLong("ignore-case")]
        case .smart: [.customShort("S"), .customLong("smart-case")]
        case .exact: [.customShort("s"), .customLong("case-sensitive")]
        }
    }

    static func help(for value: Self) -> ArgumentHelp? {
        switch value {
        case .ignored: "Ignore case."
        case .smart: "Ignore case unless a pattern has an uppercase letter (grep.smart_case in the config)."
        case .exact: "Match case exactly (the default)."
        }
    }
}

/// Whether line numbers are printed.
enum LineNumberFlag: EnumerableFlag {
    case on
    case off

    static func name(for value: Self) -> NameSpecification {
        switch value {
        case .on: [.customShort("n"), .customLong("line-number")]
        case .off: [.customShort("N"), .customLong("no-line-number")]
        }
    }

    static func help(for value: Self) -> ArgumentHelp? {
        switch value {
        case .on: "Print line numbers (the default)."
        case .off: "Print no line numbers."
        }
    }
}

/// How much of a line a match must cover.
enum MatchExtent: EnumerableFlag {
    case word
    case line

    static func name(for value: Self) -> NameSpecification {
        switch value {
        case .word: [.customShort("w"), .customLong("word-regexp")]
        case .line: [.customShort("x"), .customLong("line-regexp")]
        }
    }

    static func help(for value: Self) -> ArgumentHelp? {
        switch value {
        case .word: "Match whole words."
        case .line: "Match whole lines."
        }
    }
}

/// What is counted.
enum CountFlag: EnumerableFlag {
    case lines
    case matches

    static func name(for value: Self) -> NameSpecification {
        switch value {
        case .lines: [.customShort("c"), .customLong("count")]
        case .matches: .customLong("count-matches")
        }
    }

    static func help(for value: Self) -> ArgumentHelp? {
        switch value {
        case .lines: "Print the number of selected lines per member."
        case .matches: "Print the number of matches per member."
        }
    }
}

/// Which names are printed.
enum NameFlag: EnumerableFlag {
    case matching
    case others

    static func name(for value: Self) -> NameSpecification {
        switch value {
        case .matching: [.customShort("l"), .customLong("files-with-matches")]
        case .others: [.customShort("L"), .customLong("files-without-match")]
        }
    }

    static func help(for value: Self) -> ArgumentHelp? {
        switch value {
        case .matching: "Print names of members that match."
        case .others: "Print names of members that do not match."
        }
    }
}
