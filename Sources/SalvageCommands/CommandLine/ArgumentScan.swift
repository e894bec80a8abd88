/// Assigns the words of a command line to flags and arguments.
///
/// Accepts `--flag value`, `--flag=value`, `-f value`, `-fvalue`, and combined letters of which the last may take a value
/// (`-iwm2`). After `--` every word is an argument, and so is a lone `-`.
struct ArgumentScan {
    /// A flag or argument with its value.
    struct Item {
        enum Target {
            case flag(Int)
            case argument(Int)
        }

        let target: Target
        /// How the user wrote the flag, for messages; the placeholder of an argument.
        let spelling: String
        let value: String
    }

    private let command: String
    private let flags: [FlagDescription]
    private let arguments: [ArgumentDescription]
    private var rest: ArraySlice<String> = []
    private var found: [Item] = []
    private var isGiven: [Bool]
    /// The index of the next argument.
    private var position = 0
    private var argumentCount = 0

    init(command: String, flags: [FlagDescription], arguments: [ArgumentDescription]) {
        self.command = command
        self.flags = flags
        self.arguments = arguments
        isGiven = Array(repeating: false, count: flags.count)
    }

    /// Returns the items in the order given; nil if the words request help. Throws a usage error.
    mutating func run(_ words: [String]) throws -> [Item]? {
        rest = words[...]
        if Self.requestsHelp(words, flags) { return nil }
        while let word = rest.popFirst() {
            if word == "--" {
                for argument in rest { try take(argument: argument) }
                break
            }
            if word.hasPrefix("--") {
                try take(long: word)
            } else if word.hasPrefix("-"), word.utf8.count > 1 {
                try take(short: word)
            } else {
                try take(argument: word)
            }
        }
        if position < arguments.count, arguments[position].isRequired, argumentCount == 0 {
            throw Failure.usage("missing argument <\(arguments[position].name)>", hint: usageHint)
        }
        for (flag, isGiven) in zip(flags, isGiven) where flag.isRequired && !isGiven {
            throw Failure.usage("missing option \(flag.spelling) <\(flag.value ?? "")>", hint: usageHint)
        }
        return found
    }

    private var usageHint: String { "salvage \(command) --help lists arguments and options" }

    /// Whether `-h` or `--help` is among the words and is not the value of a flag that accepts any word.
    private static func requestsHelp(_ words: [String], _ flags: [FlagDescription]) -> Bool {
        var isValue = false
        for word in words {
            if word == "--" && !isValue { return false }
            if !isValue, word == "--help" || word == "-h" { return true }
            isValue = word.hasPrefix("-") && flags.contains { $0.acceptsDash && $0.spellings.contains(word) }
        }
        return false
    }

    private mutating func take(argument: String) throws {
        guard position < arguments.count else {
            throw Failure.usage("unexpected argument '\(argument)'", hint: usageHint)
        }
        let description = arguments[position]
        found.append(Item(target: .argument(position), spelling: "<\(description.name)>", value: argument))
        if description.takesRest {
            argumentCount += 1
        } else {
            position += 1
        }
    }

    private mutating func take(long word: String) throws {
        let equals = word.utf8.firstIndex(of: UInt8(ascii: "="))
        let spelling = equals.map { String(word[..<$0]) } ?? word
        let name = spelling.dropFirst(2)
        guard let index = flags.firstIndex(where: { $0.long.map { $0 == name } ?? false }) else {
            throw unknown(spelling)
        }
        guard let equals else { return try take(index, spelling, joined: nil) }
        guard flags[index].value != nil else {
            throw Failure.usage("\(spelling) takes no value", hint: usageHint)
        }
        try take(index, spelling, joined: String(word[word.utf8.index(after: equals)...]))
    }

    private mutating func take(short word: String) throws {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            let spelling = "-\(letter)"
            guard let index = flags.firstIndex(where: { $0.short == letter }) else {
                throw unknown(letters.isEmpty && word.utf8.count == 2 ? word : spelling, in: word)
            }
            guard flags[index].value != nil else {
                try take(index, spelling, joined: nil)
                continue
            }
            return try take(index, spelling, joined: letters.isEmpty ? nil : String(letters))
        }
    }

    /// Records a flag; its value is `joined`, or else the next word.
    private mutating func take(_ index: Int, _ spelling: String, joined: String?) throws {
        let flag = flags[index]
        guard let placeholder = flag.value else {
            found.append(Item(target: .flag(index), spelling: spelling, value: ""))
            return
        }
        if flag.occurrence == .once, isGiven[index] {
            throw Failure.usage(
                "\(flag.spelling) is given twice but takes one value", hint: "remove one of them",
                code: "repeated_flag")
        }
        isGiven[index] = true
        if let joined {
            found.append(Item(target: .flag(index), spelling: spelling, value: joined))
            return
        }
        if let bareValue = flag.bareValue {
            found.append(Item(target: .flag(index), spelling: spelling, value: bareValue))
            return
        }
        guard let next = rest.first, flag.acceptsDash || !next.hasPrefix("-") || next == "-" else {
            let hint = rest.first.map { "write \(flag.spelling)=\($0) if that is the value" } ?? usageHint
            throw Failure.usage("missing value for \(spelling) <\(placeholder)>", hint: hint)
        }
        rest.removeFirst()
        found.append(Item(target: .flag(index), spelling: spelling, value: next))
    }

    private func unknown(_ spelling: String, in word: String? = nil) -> Failure {
        var message = "unknown option '\(spelling)'"
        if let word, word != spelling { message += " in '\(word)'" }
        var hint = usageHint
        if spelling.hasPrefix("--"),
            let near = Suggestion.closest(to: spelling, in: flags.compactMap { $0.long.map { "--\($0)" } })
        {
            hint = "did you mean '\(near)'?"
        }
        return Failure.usage(message, hint: hint)
    }
}
