import ArgumentParser

/// Parses the arguments of a plain `salvage grep` without building the command's description, which takes longer than a
/// selective search.
///
/// Everything else, including mistakes and `--help`, is left to the argument parser, so that one place words errors.
struct GrepQuickArguments {
    private var pattern: String?
    private var reading = GrepPatternFlags.unset
    private var printing = GrepOutputFlags.unset
    private var time = GrepTimeFlags.unset
    private var selection = SelectionOptions.unset
    private var options = GlobalOptions.unset
    private var seen: Set<String> = []

    /// Returns the command for the arguments after `grep`; nil if the argument parser has to read them.
    static func command(_ arguments: [String]) -> Grep? {
        var quick = GrepQuickArguments()
        guard quick.read(arguments[...]) else { return nil }
        var grep = Grep()
        grep.pattern = quick.pattern
        grep.reading = quick.reading
        grep.printing = quick.printing
        grep.time = quick.time
        grep.selection = quick.selection
        grep.options = quick.options
        return grep
    }

    /// Splits combined short flags whose last one takes a value, which the argument parser does not accept: `-iwm2`
    /// becomes `-i -w -m2`.
    static func spread(_ arguments: [String]) -> [String] {
        var out: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let letters = argument.dropFirst()
            let isShort = argument.hasPrefix("-") && letters.first != "-" && !letters.isEmpty
            guard isShort, let at = letters.firstIndex(where: withValue.contains) else {
                out.append(argument)
                if argument == "--" { return out + rest }
                // The next argument is a value, whatever it looks like.
                if argument == "--regexp", let value = rest.popFirst() { out.append(value) }
                continue
            }
            out += letters[..<at].map { "-\($0)" }
            out.append("-" + letters[at...])
            if letters.index(after: at) == letters.endIndex, let value = rest.popFirst() { out.append(value) }
        }
        return out
    }

    private static let withValue: Set<Character> = ["A", "B", "C", "e", "f", "g", "j", "m"]

    private mutating func read(_ arguments: ArraySlice<String>) -> Bool {
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "--" {
                guard rest.count <= 1, rest.allSatisfy({ take(positional: $0) }) else { return false }
                return true
            }
            let isUnderstood =
                argument.hasPrefix("--")
                ? takeLong(argument, &rest)
                : argument.hasPrefix("-") ? takeShort(argument, &rest) : take(positional: argument)
            guard isUnderstood else { return false }
        }
        return true
    }

    private mutating func take(positional argument: String) -> Bool {
        guard pattern == nil else { return false }
        pattern = argument
        return true
    }

    private mutating func takeLong(_ argument: String, _ rest: inout ArraySlice<String>) -> Bool {
        guard let equals = argument.firstIndex(of: "=") else { return take(argument, &rest) }
        let value = String(argument[argument.index(after: equals)...])
        return !value.isEmpty && takeOption(String(argument[..<equals]), value)
    }

    /// Takes `-F`, several flags as in `-iF`, or a joined value as in `-C3`.
    private mutating func takeShort(_ argument: String, _ rest: inout ArraySlice<String>) -> Bool {
        let letters = argument.utf8.dropFirst()
        guard letters.count > 1 else { return take(argument, &rest) }
        if let first = letters.first, Self.withValue.contains(Character(UnicodeScalar(first))) {
            return takeOption("-" + String(UnicodeScalar(first)), String(argument.dropFirst(2)))
        }
        for letter in letters {
            guard takeFlag("-" + String(UnicodeScalar(letter))) else { return false }
        }
        return true
    }

    private mutating func take(_ name: String, _ rest: inout ArraySlice<String>) -> Bool {
        if takeFlag(name) { return true }
        guard let value = rest.first, name == "-e" || name == "--regexp" || !value.hasPrefix("-") else { return false }
        rest = rest.dropFirst()
        return takeOption(name, value)
    }

    // MARK: Flags

    private mutating func takeFlag(_ name: String) -> Bool {
        // A repeated flag is left to the argument parser.
        guard takePatternFlag(name) || takeOutputFlag(name) || takeOtherFlag(name) else { return false }
        return seen.insert(name).inserted
    }

    private mutating func takePatternFlag(_ name: String) -> Bool {
        switch name {
        case "-F", "--fixed-strings": reading.fixed = true
        case "-i", "--ignore-case": reading.letterCase = .ignored
        case "-S", "--smart-case": reading.letterCase = .smart
        case "-s", "--case-sensitive": reading.letterCase = .exact
        case "-w", "--word-regexp": reading.extent = .word
        case "-x", "--line-regexp": reading.extent = .line
        case "--crlf": reading.crlf = true
        default: return false
        }
        return true
    }

    private mutating func takeOutputFlag(_ name: String) -> Bool {
        switch name {
        case "-v", "--invert-match": printing.invert = true
        case "-c", "--count": printing.counting = .lines
        case "--count-matches": printing.counting = .matches
        case "--include-zero": printing.includeZero = true
        case "-l", "--files-with-matches": printing.naming = .matching
        case "-L", "--files-without-match": printing.naming = .others
        case "-o", "--only-matching": printing.onlyMatching = true
        case "-q": printing.silent = true
        case "-n", "--line-number": printing.lineNumber = .on
        case "-N", "--no-line-number": printing.lineNumber = .off
        case "-I", "--no-filename": printing.noFilename = true
        case "--heading": printing.heading = true
        case "-a", "--text": printing.text = true
        case "--binary": printing.binary = true
        case "--explain": printing.explain = true
        case "--no-filters": printing.noFilters = true
        default: return false
        }
        return true
    }

    private mutating func takeOtherFlag(_ name: String) -> Bool {
        switch name {
        case "--strict-time": time.strictTime = true
        case "--crashed": selection.crashed = true
        case "--json": options.json = true
        case "--quiet": options.quiet = true
        case "--verbose": options.verbose = true
        default: return false
        }
        return true
    }

    // MARK: Options

    private mutating func takeOption(_ name: String, _ value: String) -> Bool {
        switch name {
        case "-e", "--regexp": reading.expressions.append(value)
        case "-f", "--file": reading.files.append(value)
        case "-g", "--path": printing.path.append(value)
        case "--session": selection.session.append(value)
        case "--image": selection.image.append(value)
        case "--tag": selection.tag.append(value)
        case "--location": selection.location.append(value)
        case "--label": selection.label.append(value)
        default:
            guard seen.insert(name).inserted else { return false }
            return takeNumber(name, value) || takeText(name, value)
        }
        return true
    }

    private mutating func takeNumber(_ name: String, _ value: String) -> Bool {
        guard let number = Int(value) else { return false }
        switch name {
        case "-A", "--after-context": printing.after = number
        case "-B", "--before-context": printing.before = number
        case "-C", "--context": printing.around = number
        case "-m", "--max-count": printing.maxCount = number
        case "-j", "--threads": printing.threads = number
        case "--limit": selection.limit = number
        default: return false
        }
        return true
    }

    private mutating func takeText(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--last": time.last = value
        case "--since": selection.since = value
        case "--until": selection.until = value
        case "--store": options.store = value
        case "--config": options.config = value
        case "--color":
            guard let color = ColorFlag(rawValue: value) else { return false }
            options.color = color
        default: return false
        }
        return true
    }
}

// A property wrapper that the argument parser did not fill traps when it is read. Each gets its default here.

extension GrepPatternFlags {
    fileprivate static var unset: Self {
        var flags = Self()
        flags.expressions = []
        flags.files = []
        flags.fixed = false
        flags.letterCase = nil
        flags.extent = nil
        flags.crlf = false
        return flags
    }
}

extension GrepOutputFlags {
    fileprivate static var unset: Self {
        var flags = Self()
        flags.invert = false
        flags.counting = nil
        flags.includeZero = false
        flags.naming = nil
        flags.onlyMatching = false
        flags.silent = false
        flags.after = nil
        flags.before = nil
        flags.around = nil
        flags.maxCount = nil
        flags.lineNumber = nil
        flags.noFilename = false
        flags.heading = false
        flags.text = false
        flags.binary = false
        flags.path = []
        flags.threads = nil
        flags.explain = false
        flags.noFilters = false
        return flags
    }
}

extension GrepTimeFlags {
    fileprivate static var unset: Self {
        var flags = Self()
        flags.last = nil
        flags.strictTime = false
        return flags
    }
}

extension SelectionOptions {
    fileprivate static var unset: Self {
        var flags = Self()
        flags.session = []
        flags.image = []
        flags.tag = []
        flags.location = []
        flags.label = []
        flags.since = nil
        flags.until = nil
        flags.crashed = false
        flags.limit = nil
        return flags
    }
}

extension GlobalOptions {
    fileprivate static var unset: Self {
        var flags = Self()
        flags.store = nil
        flags.config = nil
        flags.json = false
        flags.color = .auto
        flags.quiet = false
        flags.verbose = false
        return flags
    }
}
